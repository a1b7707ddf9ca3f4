"""Whether the server lives, and whether it can work: for whoever watches over it, without a token."""

from __future__ import annotations

from http import HTTPMethod

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from taxiway.server.routing import answering
from taxiway.server.serving import Server


def health_routes(server: Server) -> list[Route]:
    """``/healthz`` answers while the process does; ``/readyz`` while its store does, too."""

    async def healthz(request: Request) -> Response:  # noqa: ARG001  (Starlette's)
        return Response("ok\n", media_type="text/plain")

    async def readyz(request: Request) -> Response:  # noqa: ARG001
        ready = await server.ready()
        return Response(
            "ok\n" if ready else "the store does not answer\n", 200 if ready else 503, media_type="text/plain"
        )

    return [answering("/healthz", {HTTPMethod.GET: healthz}), answering("/readyz", {HTTPMethod.GET: readyz})]
