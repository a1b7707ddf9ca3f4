"""Nobody gets past the doorkeeper: every route, with every wrong way of coming in (reliability 4.2, 4.14)."""

import httpx
import pytest

import taxiway
from taxiway.core.token import TokenScope
from taxiway.server.app import ENDPOINTS
from taxiway.server.doorkeeper import Rates
from taxiway.server.endpoint import Endpoint
from taxiway.testing.clock import HandClock
from tests.server.conftest import As, asked_by

NO_TOKENS = [
    *("Bearer", "Bearer ", "Bearer x", "Basic YTpi", "bearer txw_"),
    "Bearer txw_" + "0" * 26 + "_" + "A" * 43,
    "Bearer " + "a" * 10_000,
]


MAY = {
    TokenScope.VIEWER: {TokenScope.VIEWER},
    TokenScope.OPERATOR: {TokenScope.VIEWER, TokenScope.OPERATOR},
    TokenScope.ADMIN: {TokenScope.VIEWER, TokenScope.OPERATOR, TokenScope.ADMIN},
    TokenScope.RUNNER: {TokenScope.RUNNER},
    TokenScope.RUN: {TokenScope.RUN},
    TokenScope.INVITE: {TokenScope.INVITE},
}


def path(route: Endpoint) -> str:
    """Its path with something in the place of each parameter."""
    return "/v1" + "/".join("nothing" if part.startswith("{") else part for part in route.path.split("/"))


async def test_no_route_answers_without_a_token(tw: taxiway.Taxiway) -> None:
    """4.14: also not to say that there is nothing."""
    async with asked_by(tw, None) as client:
        for route in ENDPOINTS:
            answer = await client.request(route.method, path(route))
            assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized"), route.path


async def test_no_route_answers_to_a_foreign_host_or_page(client: httpx.AsyncClient) -> None:
    """4.2: DNS rebinding names another host, another site's page tells its origin."""
    for route in ENDPOINTS:
        rebound = await client.request(route.method, path(route), headers={"host": "evil.example"})
        assert (rebound.status_code, rebound.json()["code"]) == (421, "misdirected"), route.path
        foreign = await client.request(route.method, path(route), headers={"origin": "https://evil.example"})
        assert (foreign.status_code, foreign.json()["code"]) == (403, "forbidden"), route.path
        if route.mutates:
            crossing = await client.request(route.method, path(route), headers={"sec-fetch-site": "cross-site"})
            assert crossing.status_code == 403, route.path


@pytest.mark.parametrize("scope", TokenScope)
async def test_a_route_needs_its_scope(scope: TokenScope, client_of: As) -> None:
    """4.14: a runner's token reads nothing, a viewer's changes nothing, an operator's settles nothing."""
    client = await client_of(scope, str(scope))
    for route in ENDPOINTS:
        answer = await client.request(route.method, path(route))
        assert (answer.status_code == 403) is (route.scope not in MAY[scope]), (route.path, answer.text)


async def test_only_the_health_of_the_server_is_told_to_anybody(tw: taxiway.Taxiway) -> None:
    """4.14: the list of open paths, whole."""
    async with asked_by(tw, None) as client:
        answers = {
            path: (await client.get(path)).status_code for path in ("/healthz", "/readyz", "/", "/v1/openapi.json")
        }
    assert answers == {"/healthz": 200, "/readyz": 200, "/": 401, "/v1/openapi.json": 401}


@pytest.mark.parametrize("shown", NO_TOKENS)
async def test_what_is_no_token_opens_nothing(shown: str, tw: taxiway.Taxiway) -> None:
    """4.14: unknown, cut off or of another kind, it is refused in the same words."""
    async with asked_by(tw, None) as client:
        answer = await client.get("/v1/tasks", headers={"authorization": shown})
    assert answer.status_code == 401


async def test_a_token_opens_nothing_with_another_secret(tw: taxiway.Taxiway) -> None:
    """4.14: its id alone is worth nothing."""
    _, one = await tw.make_token("ann", TokenScope.ADMIN)
    _, other = await tw.make_token("bob", TokenScope.ADMIN)
    async with asked_by(tw, one[:31] + other[31:]) as client:
        assert (await client.get("/v1/tasks")).status_code == 401


async def test_a_revoked_or_expired_token_opens_nothing(tw: taxiway.Taxiway) -> None:
    """4.14: whoever revoked it, as soon as what is remembered of it is two seconds old."""
    token, text = await tw.make_token("ann", TokenScope.ADMIN)
    clock = HandClock()
    async with asked_by(tw, text, clock=clock) as client:
        assert (await client.get("/v1/tasks")).status_code == 200
        assert (await client.delete(f"/v1/tokens/{token.id}")).status_code == 200
        clock.advance(2)
        assert (await client.get("/v1/tasks")).status_code == 401
    _, brief = await tw.make_token("bob", TokenScope.ADMIN, expires_s=0.001)
    async with asked_by(tw, brief) as client:
        assert (await client.get("/v1/tasks")).status_code == 401


async def test_who_asks_too_much_waits(tw: taxiway.Taxiway) -> None:
    """4.10: a bucket for each token, and a smaller one for an address that shows none; others go on."""
    _, text = await tw.make_token("ann", TokenScope.VIEWER)
    rates = Rates(per_s=0.001, burst=3, refused_per_s=0.001, refused_burst=2)
    async with asked_by(tw, text, rates) as client:
        statuses = [(await client.get("/v1/tasks")).status_code for _ in range(4)]
        assert statuses == [200, 200, 200, 429]
        late = await client.get("/v1/tasks")
        assert (late.json()["code"], int(late.headers["retry-after"]) > 1) == ("rate_limited", True)
        nobody = [(await client.get("/v1/tasks", headers={"authorization": "x"})).status_code for _ in range(3)]
        assert nobody == [401, 401, 429]


async def test_every_answer_says_what_a_browser_may_do_with_it(client: httpx.AsyncClient) -> None:
    """4.4: nothing is sniffed, kept or framed; the id leads to our log."""
    answer = await client.get("/v1/tasks", headers={"x-request-id": "mine-1"})
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-request-id"] == "mine-1"
    forged = await client.get("/v1/tasks", headers={"x-request-id": "a b"})
    assert forged.headers["x-request-id"].startswith("req_")
