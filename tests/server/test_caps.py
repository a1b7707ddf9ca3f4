"""What one tenant may take: open tasks and calls a second, each served at the cap and refused behind it (4.10, I18)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

import taxiway
from taxiway.core.token import TokenScope
from taxiway.doors import Speaking
from taxiway.sections import ServerSection
from taxiway.server.doorkeeper import Rates
from taxiway.up import application, standing, taken
from tests.server import working
from tests.server.conftest import BASE, FREE

TASK = {"shell": "true", "delay": 3600}


@asynccontextmanager
async def asked(
    tw: taxiway.Taxiway, rates: Rates = FREE, open_max: int | None = None
) -> AsyncIterator[httpx.AsyncClient]:
    """A server with these caps; each call shows its own token."""
    async with application(tw, rates=rates, open_max=open_max) as app:
        transport = httpx.ASGITransport(app, client=("127.0.0.1", 50_000))
        async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
            yield client


async def shown(tw: taxiway.Taxiway, name: str, tenant: str = "default") -> dict[str, str]:
    """The header of a new token."""
    theirs = tw.on_behalf_of(Speaking(actor=name, tenant=tenant))
    return {"authorization": f"Bearer {(await theirs.make_token(name, TokenScope.ADMIN))[1]}"}


async def test_a_tenant_has_so_many_open_tasks(tw: taxiway.Taxiway) -> None:
    """4.10: one by one, as a list and under keys; at the cap it is admitted, behind it nothing is stored; what was made
    under a key is answered as before; another tenant has room; there is room again when one has ended."""
    ann, eve = await shown(tw, "ann"), await shown(tw, "eve", "acme")
    async with asked(tw, open_max=5) as client:
        first = await client.post("/v1/tasks", json=TASK, headers=ann | {"idempotency-key": "a"})
        assert (await client.post("/v1/tasks", json=[TASK] * 5, headers=ann)).status_code == 429
        rest = await client.post("/v1/tasks", json=[TASK] * 4, headers=ann | {"idempotency-key": "b"})
        assert rest.status_code == 201
        for key in ({}, {"idempotency-key": "c"}):
            late = await client.post("/v1/tasks", json=TASK, headers=ann | key)
            assert (late.status_code, late.json()["code"]) == (429, "queue_full")
            assert late.headers["retry-after"]
        assert await tw.count_tasks() == 5
        again = await client.post("/v1/tasks", json=TASK, headers=ann | {"idempotency-key": "a"})
        assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])
        replayed = await client.post("/v1/tasks", json=[TASK] * 4, headers=ann | {"idempotency-key": "b"})
        assert replayed.headers["idempotency-replayed"] == "true"
        assert (await client.post("/v1/tasks", json=[TASK] * 5, headers=eve)).status_code == 201
        await client.post(f"/v1/tasks/{first.json()['id']}/cancel", headers=ann)
        assert (await client.post("/v1/tasks", json=TASK, headers=ann)).status_code == 201


async def test_every_way_to_make_a_task_is_within_the_cap(tw: taxiway.Taxiway) -> None:
    """4.10: messages, words that become one, and tries again; what only changes or ends something always goes."""
    ann = await shown(tw, "ann")
    await working.register(tw)
    box = await tw.session("box", agent="coder")
    await box.send("work")
    run = await working.take(tw, steerable=True)
    ended = await tw.submit(**TASK)
    await tw.cancel(ended.id)
    async with asked(tw, open_max=1) as client:
        for path, body in (
            ("/tasks", TASK),
            ("/sessions/box/messages", {"prompt": "more"}),
            (f"/tasks/{ended.id}/retry", None),
            (f"/tasks/{run.task}/steer", {"text": "left"}),
            (f"/runs/{run.run}/signals", {"kind": "turn", "text": "then"}),
        ):
            answer = await client.post("/v1" + path, json=body, headers=ann)
            assert (answer.status_code, answer.json()["code"]) == (429, "queue_full"), path
        assert await tw.count_tasks() == 2
        assert (await client.post(f"/v1/tasks/{run.task}/cancel", headers=ann)).is_success


async def test_a_plan_is_admitted_whole(tw: taxiway.Taxiway) -> None:
    """Semantics: as the caps of mailboxes, this one leaves plans alone."""
    async with asked(tw, open_max=1) as client:
        plan = {"tasks": {name: {"shell": "true"} for name in "abc"}}
        assert (await client.post("/v1/plans", json=plan, headers=await shown(tw, "ann"))).status_code == 201


async def test_tokens_of_a_tenant_share_a_rate(tw: taxiway.Taxiway) -> None:
    """4.10: so that more tokens are not more calls; a token's own rate comes first, and another tenant goes on."""
    ann, bob, eve = await shown(tw, "ann"), await shown(tw, "bob"), await shown(tw, "eve", "acme")
    rates = Rates(per_s=0.001, burst=3, tenant_per_s=0.001, tenant_burst=5)
    async with asked(tw, rates) as client:

        async def call(headers: dict[str, str]) -> int:
            return (await client.get("/v1/tasks", headers=headers)).status_code

        assert [await call(ann) for _ in range(4)] == [200, 200, 200, 429]
        assert [await call(bob) for _ in range(3)] == [200, 200, 429]
        assert [await call(eve) for _ in range(4)] == [200, 200, 200, 429]


async def test_the_cap_is_a_setting(tw: taxiway.Taxiway, tmp_path: Path) -> None:
    """It holds for the server that was told so."""
    ann, wanted = await shown(tw, "ann"), ServerSection(port=0, open_tasks=1)
    with taken(wanted) as place:
        serving = standing(tw, tmp_path / "s.db", wanted, place)
        async with serving as server, httpx.AsyncClient(headers=ann) as client:
            answers = [await client.post(f"{server.url}/v1/tasks", json=TASK) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 429]
