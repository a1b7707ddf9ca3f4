"""``/metrics``: what was counted, and what is looked up for it, in the text that Prometheus reads."""

from __future__ import annotations

from http import HTTPMethod
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from taxiway.core.errors import Error, Forbidden
from taxiway.core.tenant import DEFAULT_TENANT
from taxiway.core.token import Principal, TokenScope
from taxiway.observe import catalogue
from taxiway.observe.instruments import CONTENT_TYPE
from taxiway.observe.metrics import Metrics
from taxiway.server.routing import answering
from taxiway.server.serving import refusal
from taxiway.verbs import Taxiway

PAGES_MAX: Final = 10  #: pages of the change log that one scrape counts
METRICS_PATH: Final = "/metrics"


class Scrape:
    """Answers a scrape. Counters of the whole store are brought up to date by the lines that the change log has got
    since the last one."""

    def __init__(self, tw: Taxiway, metrics: Metrics) -> None:
        self._statistics = tw.store_statistics
        self._metrics = metrics
        self._version: int | None = None

    def route(self) -> Route:
        """Outside ``/v1``, as scrapers want it."""
        return answering(METRICS_PATH, {HTTPMethod.GET: self._respond})

    async def begin(self) -> None:
        """Changes are counted from now on."""
        self._version = (await self._statistics.look()).tally.version

    async def _respond(self, request: Request) -> Response:
        try:
            _check(getattr(request.state, "principal", None))
            await self._look()
        except Error as error:
            return refusal(error, request)
        return Response(self._metrics.text(), headers={"content-type": CONTENT_TYPE})

    async def _look(self) -> None:
        metrics, look = self._metrics, await self._statistics.look()
        tally, use = look.tally, look.use
        metrics[catalogue.OPEN_TASKS].set(tally.open)
        metrics[catalogue.READY_TASKS].set(tally.ready)
        metrics[catalogue.SCHEDULED_TASKS].set(tally.scheduled)
        metrics[catalogue.APPROVALS].set(tally.approvals)
        metrics[catalogue.SLOTS].set(tally.slots)
        metrics[catalogue.STORE_BYTES].set(await self._statistics.store_bytes())
        metrics[catalogue.TREE_PROCESSES].set(use.processes)
        metrics[catalogue.TREE_MEMORY].set(use.memory_bytes)
        metrics[catalogue.TREE_CPU].set(use.cpu_s)
        for metric, label, counts in (
            (catalogue.LIVE_RUNS, "state", tally.live),
            (catalogue.RUNNERS, "state", tally.runners),
            (catalogue.ACCOUNTS, "phase", tally.accounts),
        ):
            metrics[metric].clear()
            for value, count in counts.items():
                metrics[metric].set(count, **{label: value})
        await self._count_changes()

    async def _count_changes(self) -> None:
        """Page by page, as far as one scrape may take. Two scrapes at once count nothing twice: whoever comes second is
        told what the first one has counted so far."""
        after, self._version = self._version, None
        if after is None:
            return
        try:
            for _ in range(PAGES_MAX):
                before, (after, changes) = after, await self._statistics.changes(after)
                for found in changes:
                    labels = {"kind": found.kind, "state": found.state, "reason": found.reason}
                    self._metrics[catalogue.CHANGES].add(found.count, **labels)
                if after == before:
                    break
        finally:
            self._version = after


def _check(principal: Principal | None) -> None:
    """Nobody (where it is open), or somebody who may look, of the tenant whose the server is: metrics tell of all."""
    if principal is None:
        return
    if not principal.may(TokenScope.VIEWER) or principal.tenant != DEFAULT_TENANT:
        raise Forbidden(f"this needs the scope viewer in tenant {DEFAULT_TENANT}; the token '{principal.name}' has not")
