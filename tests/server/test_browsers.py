"""A browser is signed in by a link that works once and soon, and by its cookie no other page can do anything (4.2)."""

import re
from base64 import b64encode
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import httpx
import pytest
import websockets

import taxiway
from taxiway.core.token import Token, TokenScope
from taxiway.server.app import ENDPOINTS
from taxiway.server.cookies import SECURE, cookie_names, set_cookie, shown_cookie
from taxiway.server.doorkeeper import Rates
from tests.server.conftest import BASE, asked_by

PAGE = {"origin": BASE, "sec-fetch-site": "same-origin"}
OURS = PAGE | {"x-taxiway": "1"}


@pytest.fixture
async def browser(tw: taxiway.Taxiway) -> AsyncIterator[httpx.AsyncClient]:
    """One that shows nothing yet."""
    async with asked_by(tw, None) as client:
        yield client


@pytest.fixture
async def ann(tw: taxiway.Taxiway) -> Token:
    """The token of a person."""
    return (await tw.make_token("ann", TokenScope.OPERATOR))[0]


async def signed_in(tw: taxiway.Taxiway, browser: httpx.AsyncClient, who: str = "ann") -> httpx.Response:
    """What the form is answered, with the cookie kept."""
    _, code = await tw.make_link(who)
    return await browser.post("/login", data={"code": code}, headers=PAGE)


async def test_the_page_of_a_link_is_the_same_for_everybody_and_takes_nothing_from_elsewhere(
    browser: httpx.AsyncClient,
) -> None:
    """4.4: a form, and a script that the policy names by its hash; nothing is kept, framed or told to others."""
    page = await browser.get("/login")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    (script,) = re.findall("<script>(.*?)</script>", page.text)
    policy = page.headers["content-security-policy"]
    assert f"script-src 'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'" in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert (page.headers["cache-control"], page.headers["referrer-policy"]) == ("no-store", "no-referrer")
    assert "set-cookie" not in page.headers
    assert "http" not in page.text


async def test_a_link_signs_a_browser_in_as_its_bearer(
    tw: taxiway.Taxiway, ann: Token, browser: httpx.AsyncClient
) -> None:
    """4.2: the cookie is for this host alone, for no script, for no other site's page; what it may is the bearer's."""
    answer = await signed_in(tw, browser)
    assert (answer.status_code, "signed in as ann" in answer.text) == (200, True)
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("taxiway-8787=txw_")
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
    assert (await browser.get("/v1/tasks")).status_code == 200
    made = await browser.post("/v1/tasks", json={"shell": "true"}, headers=OURS)
    assert made.status_code == 201
    assert (await tw.store.changes(0, 1_000))[-1].actor == "ann"
    assert (await browser.get("/v1/tokens")).status_code == 403
    secret = cookie.partition("=")[2].partition(";")[0]
    assert secret not in answer.text
    async with asked_by(tw, secret) as bearer:  # a cookie is no token
        assert (await bearer.get("/v1/tasks")).status_code == 401


async def test_a_link_works_once(tw: taxiway.Taxiway, ann: Token, browser: httpx.AsyncClient) -> None:
    """4.2: decided where it is used up; its code opens nothing itself, and is stored as a hash."""
    _, code = await tw.make_link("ann")
    form = {"data": {"code": code}, "headers": PAGE}
    async with asked_by(tw, code) as bearer:
        assert (await bearer.get("/v1/tasks")).status_code == 401
    answers = [(await browser.post("/login", **form)).status_code for _ in range(2)]
    assert answers == [200, 401]
    for wrong in (code[:-1] + "~", "", "txw_" + "0" * 26 + "_" + "A" * 43):
        assert (await browser.post("/login", data={"code": wrong}, headers=PAGE)).status_code == 401
    assert [one.browser for one in await tw.tokens()] == [None, "session"]


async def test_who_is_refused_reads_a_sentence_and_may_try_again(browser: httpx.AsyncClient) -> None:
    """A person sees a page with the form, a program a problem document; the status is the same."""
    asked = {"data": {"code": "txw_<b>"}}
    page = await browser.post("/login", **asked, headers=PAGE | {"accept": "text/html,*/*;q=0.8"})
    assert (page.status_code, page.headers["content-type"]) == (401, "text/html; charset=utf-8")
    assert "this is no code of a link" in page.text
    assert '<form method="post"' in page.text
    assert "<b>" not in page.text
    told = await browser.post("/login", **asked, headers=PAGE)
    assert (told.status_code, told.json()["code"]) == (401, "unauthorized")


async def test_a_late_link_works_no_more(tmp_path: Path) -> None:
    """4.2: a minute, by the clock of the store."""
    async with taxiway.open(tmp_path / "s.db", slots=0) as tw:
        ann, _ = await tw.make_token("ann")
        link, code = await tw.make_link("ann")
        assert link.expires_at is not None
        assert link.expires_at - link.created_at == 60_000
        brief, _ = await tw.make_token("bob", expires_s=0.05)
        _, brief_code = await tw.make_link(brief.id)
        await tw.store.revoke_token(link.id, "test")
        async with asked_by(tw, None) as browser:
            late = await browser.post("/login", data={"code": code}, headers=PAGE)
            while (await tw.store.token(brief.id))[0].holds(taxiway.clock.SystemClock().now_ms()):
                pass
            over = await browser.post("/login", data={"code": brief_code}, headers=PAGE)
        assert (late.status_code, over.status_code, ann.browser) == (401, 401, None)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "https://evil.example"},
        {"origin": "http://127.0.0.1:9999"},
        {"origin": "null"},
        {"origin": BASE, "sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "none"},
    ],
)
async def test_no_other_page_signs_a_browser_in(
    headers: dict[str, str], tw: taxiway.Taxiway, ann: Token, browser: httpx.AsyncClient
) -> None:
    """4.2: else somebody would be signed in as somebody else without knowing it; the link is not used up by that."""
    _, code = await tw.make_link("ann")
    assert (await browser.post("/login", data={"code": code}, headers=headers)).status_code == 403
    assert (await browser.post("/login", json={"code": code}, headers=PAGE)).status_code == 400
    hidden = {"origin": "null", "sec-fetch-site": "same-origin"}  # what a page that tells no referrer sends of itself
    assert (await browser.post("/login", data={"code": code}, headers=hidden)).status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (OURS, 201),
        ({"x-taxiway": "1", "sec-fetch-site": "same-origin"}, 201),
        (PAGE, 403),
        ({"x-taxiway": "1"}, 403),
        ({"x-taxiway": "1", "sec-fetch-site": "none"}, 403),
        ({"x-taxiway": "1", "origin": "null"}, 403),
        (OURS | {"origin": "http://127.0.0.1:9999"}, 403),
        (OURS | {"sec-fetch-site": "same-site"}, 403),
    ],
)
async def test_with_a_cookie_only_our_own_page_changes_anything(
    headers: dict[str, str], status: int, tw: taxiway.Taxiway, ann: Token, browser: httpx.AsyncClient
) -> None:
    """4.2: a header that no form can send, and a browser that says whose page it is; another port is another page."""
    await signed_in(tw, browser)
    assert (await browser.post("/v1/tasks", json={"shell": "true"}, headers=headers)).status_code == status


async def test_no_route_changes_anything_by_a_cookie_alone(
    tw: taxiway.Taxiway, ann: Token, browser: httpx.AsyncClient
) -> None:
    """4.2, 4.14: all of them; and none is read by another site's page."""
    await signed_in(tw, browser)
    for route in ENDPOINTS:
        path = "/v1" + re.sub("{.*?}", "nothing", route.path)
        if route.mutates:
            assert (await browser.request(route.method, path, headers=PAGE)).status_code == 403, path
        assert (await browser.request(route.method, path, headers={"sec-fetch-site": "same-site"})).status_code == 403


async def test_streams_take_the_cookie_of_our_own_page(tw: taxiway.Taxiway, ann: Token, served: str) -> None:
    """4.2: server-sent events and WebSockets, of which a browser of any page could open one."""
    async with httpx.AsyncClient(base_url=served) as browser:
        _, code = await tw.make_link("ann")
        await browser.post("/login", data={"code": code}, headers={"origin": served})
        cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        assert (await browser.get("/v1/stream")).status_code == 403
        for page in ({"sec-fetch-site": "same-origin"}, {"origin": served}):
            async with browser.stream("GET", "/v1/stream", headers=page) as events:
                assert events.status_code == 200
    address = served.replace("http", "ws") + "/v1/ws"
    async with websockets.connect(address, additional_headers={"cookie": cookie, "origin": served}) as socket:
        await tw.submit(shell="true")
        assert '"changes"' in str(await socket.recv())
    for headers in ({"cookie": cookie}, {"cookie": cookie, "origin": "http://127.0.0.1:1"}):
        with pytest.raises(websockets.InvalidStatus) as refused:
            await websockets.connect(address, additional_headers=headers)
        assert refused.value.response.status_code == 403


async def test_whoever_is_signed_out_is_nobody(tw: taxiway.Taxiway, ann: Token, browser: httpx.AsyncClient) -> None:
    """4.14: by himself, and with the token that he was signed in for."""
    for end in ("sign out", "revoke"):
        browser.cookies.clear()
        await signed_in(tw, browser)
        assert (await browser.get("/v1/tasks")).status_code == 200
        if end == "sign out":
            assert (await browser.post("/v1/sign-out", headers=OURS)).status_code == 200
        else:
            await tw.revoke_token("ann")
        async with asked_by(tw, None) as elsewhere:  # a server that remembers nothing of the last two seconds
            elsewhere.cookies = browser.cookies
            assert (await elsewhere.get("/v1/tasks")).status_code == 401
    with pytest.raises(taxiway.core.errors.Forbidden):
        await tw.make_link(ann.id)


async def test_whoever_may_ask_may_have_a_link_for_himself(tw: taxiway.Taxiway) -> None:
    """4.14: over HTTP with a token, never with a cookie: a link would outlive what it was made with."""
    viewer, text = await tw.make_token("bob", TokenScope.VIEWER)
    async with asked_by(tw, text) as bob, asked_by(tw, None) as browser:
        made = await bob.post("/v1/links", headers={"idempotency-key": "k"})
        assert made.status_code == 201
        again = await bob.post("/v1/links", headers={"idempotency-key": "k"})
        assert (again.status_code, made.json()["code"] in again.text) == (409, False)
        code = made.json()["code"]
        assert (await browser.post("/login", data={"code": code}, headers=PAGE)).status_code == 200
        assert (await browser.get("/v1/tasks")).status_code == 200
        assert (await browser.post("/v1/links", headers=OURS)).status_code == 403
        assert (await bob.post("/v1/sign-out")).status_code == 409
    assert viewer.parent is None
    _, runner = await tw.make_token("far", TokenScope.RUNNER)
    async with asked_by(tw, runner) as far:
        assert (await far.post("/v1/links")).status_code == 403


async def test_codes_are_not_tried_without_end(tw: taxiway.Taxiway) -> None:
    """4.10: one bucket with what else is refused of an address."""
    rates = Rates(refused_per_s=0.001, refused_burst=2)
    async with asked_by(tw, None, rates) as browser:
        statuses = [(await browser.post("/login", data={"code": "x"}, headers=PAGE)).status_code for _ in range(3)]
    assert statuses == [401, 401, 429]


def test_a_cookie_off_loopback_is_secure_and_of_one_host() -> None:
    """4.2: ``__Host-`` over https; on loopback, which has none, the port is in the name."""
    assert set_cookie("taxi.example", "taxi.example", False, "v", 9).startswith(f"{SECURE}=v; ")
    assert set_cookie("taxi.example", "taxi.example", False, "v", 9).endswith("; Secure")
    assert "Secure" not in set_cookie("localhost:8787", "localhost", False, "v", 9)
    assert set_cookie("localhost:8787", "localhost", True, "v", 9).startswith(f"{SECURE}=v; ")
    assert cookie_names("taxi.example", "taxi.example") == (SECURE,)
    assert shown_cookie("a=1; taxiway-8787=x", cookie_names("localhost:8787", "localhost")) == "x"
    assert shown_cookie("taxiway-8787=x; taxiway-8787=y", cookie_names("localhost:8787", "localhost")) is None


async def test_no_secret_of_a_browser_is_stored(tmp_path: Path) -> None:
    """4.14: of code and cookie a hash, and nothing in the answers that are kept."""
    async with taxiway.open(tmp_path / "s.db", slots=0) as tw:
        _, text = await tw.make_token("ann")
        async with asked_by(tw, text) as ann, asked_by(tw, None) as browser:
            code = (await ann.post("/v1/links", headers={"idempotency-key": "k"})).json()["code"]
            answer = await browser.post("/login", data={"code": code}, headers=PAGE)
            cookie = answer.headers["set-cookie"].partition("=")[2].partition(";")[0]
    for secret in (code, cookie):
        part = secret[31:].encode()
        assert not [path for path in tmp_path.rglob("*") if path.is_file() and part in path.read_bytes()]
