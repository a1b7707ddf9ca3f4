"""What the server tells of itself: metrics for Prometheus, a summary for people, a line for each request."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import jsonschema
from prometheus_client.parser import text_string_to_metric_families

import taxiway
from taxiway.core.statistics import TreeUse
from taxiway.core.token import TokenScope
from taxiway.doors import Speaking
from taxiway.observe.catalogue import CATALOGUE
from taxiway.observe.metrics import Metrics
from taxiway.observe.observer import Moment
from taxiway.up import application
from taxiway.wire.schemas import schemas
from tests.server.conftest import BASE, FREE, As, asked_by

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def samples(answer: httpx.Response) -> Samples:
    """Every sample of a scrape."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = text_string_to_metric_families(answer.text)
    return {(one.name, tuple(sorted(one.labels.items()))): one.value for family in families for one in family.samples}


def changed(found: Samples, state: str, reason: str = "") -> float:
    """How many tasks came into a state."""
    labels = (("kind", "task"), ("reason", reason), ("state", state))
    return found.get(("taxiway_changes_total", labels), 0)


@asynccontextmanager
async def heard_by(tw: taxiway.Taxiway, token: str, heard: list[dict[str, Any]]) -> AsyncIterator[httpx.AsyncClient]:
    """A client, and what an observer hears of its requests."""

    def observer(moment: Moment, **facts: Any) -> None:
        if moment is Moment.REQUEST_SERVED:
            heard.append(facts)

    async with application(tw, rates=FREE, observer=observer) as app:
        headers = {"authorization": f"Bearer {token}"}
        transport = httpx.ASGITransport(app, client=("127.0.0.1", 50_000))
        async with httpx.AsyncClient(transport=transport, base_url=BASE, headers=headers) as client:
            yield client


async def test_metrics_need_a_token_that_may_look(tw: taxiway.Taxiway, client_of: As) -> None:
    """4.14: they tell of everything that runs."""
    async with asked_by(tw, None) as nobody:
        assert (await nobody.get("/metrics")).status_code == 401
    assert (await (await client_of(TokenScope.RUN, "r")).get("/metrics")).status_code == 403
    assert (await (await client_of(TokenScope.VIEWER, "v")).get("/metrics")).status_code == 200


async def test_metrics_tell_of_all_tenants_and_only_to_the_one_whose_the_server_is(tw: taxiway.Taxiway) -> None:
    """I10: a token of another tenant sees its own summary, and no metrics."""
    theirs = tw.on_behalf_of(Speaking(actor="ann", tenant="acme"))
    for verbs, many in ((tw, 3), (theirs, 2)):
        await verbs.submit_many([{"command": ["true"]}] * many)
    tokens = [(await verbs.make_token("ann", TokenScope.ADMIN))[1] for verbs in (tw, theirs)]
    told = []
    for token in tokens:
        async with asked_by(tw, token) as client:
            scraped = await client.get("/metrics")
            told.append((await client.get("/v1/metrics-summary")).json()["tally"])
            if token == tokens[0]:
                assert samples(scraped)["taxiway_tasks_open", ()] == 5
            else:
                assert (scraped.status_code, scraped.json()["code"]) == (403, "forbidden")
    assert [(tally["submitted"], tally["open"], tally["ready"]) for tally in told] == [(3, 3, 3), (2, 2, 2)]


async def test_metrics_are_open_where_they_were_opened(tw: taxiway.Taxiway) -> None:
    """`[server] metrics_open`: that one path, and the host is still looked at."""
    async with application(tw, rates=FREE, metrics_open=True) as app:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url=BASE) as nobody:
            assert (await nobody.get("/metrics")).status_code == 200
            assert (await nobody.get("/metrics", headers={"host": "evil.example"})).status_code == 421
            assert (await nobody.get("/v1/metrics-summary")).status_code == 401


async def test_changes_of_the_whole_store_are_counted_from_the_start_of_the_server(
    tw: taxiway.Taxiway, client: httpx.AsyncClient
) -> None:
    """Per-reason counters: whoever changed it, and each change once."""
    await tw.submit(command=["true"], name="a")
    await tw.submit(command=["true"], name="b", delay=300)
    first = samples(await client.get("/metrics"))
    assert (changed(first, "queued"), changed(first, "scheduled", "delay")) == (1, 1)
    await tw.cancel("a")
    second = samples(await client.get("/metrics"))
    assert (changed(second, "queued"), changed(second, "cancelled", "requested")) == (1, 1)
    assert (
        samples(await client.get("/metrics")).items()
        >= {key: value for key, value in second.items() if key[0] == "taxiway_changes_total"}.items()
    )


async def test_metrics_hold_no_id_and_nothing_that_was_said(tw: taxiway.Taxiway, client: httpx.AsyncClient) -> None:
    """Bounded label sets: neither paths, nor names of tasks, nor ids."""
    handle = await tw.submit(command=["true"], name="a-name-of-a-task")
    await client.get(f"/v1/tasks/{handle.id}")
    await client.get("/v1/nothing/a-name-of-a-task")
    await client.get("/v1/tasks/a-name-of-a-task")
    text = (await client.get("/metrics")).text
    assert "a-name-of-a-task" not in text
    assert "task_0" not in text
    assert 'route="/v1/tasks/{task}"' in text
    assert 'route="other"' in text


async def test_every_metric_is_told_also_before_anything_was_counted(client: httpx.AsyncClient) -> None:
    """A query over a metric that never was cannot be told from one that is 0: its type at least is there."""
    text = (await client.get("/metrics")).text
    assert [metric.name for metric in CATALOGUE if f"# TYPE {metric.name} {metric.kind}\n" not in text] == []


async def test_gauges_are_looked_up_once_however_many_scrape(tw: taxiway.Taxiway, client: httpx.AsyncClient) -> None:
    """What costs a query is some seconds old at most."""
    before = samples(await client.get("/metrics"))["taxiway_tasks_open", ()]
    await tw.submit(command=["true"])
    assert samples(await client.get("/metrics"))["taxiway_tasks_open", ()] == before


async def test_the_summary_is_as_it_is_described(tw: taxiway.Taxiway, client: httpx.AsyncClient) -> None:
    """Surface 6: counts, rates, durations and what runs use, also of an empty store."""
    answer = await client.get("/v1/metrics-summary")
    named = schemas()
    jsonschema.validate(answer.json(), {**named["Summary"], "components": {"schemas": named}})
    assert answer.json()["success_rate"] is None
    assert answer.json()["run_time"] == {"count": 0, "mean_s": None, "quantiles_s": {}, "buckets": []}


async def test_a_summary_of_what_ran(tmp_path: Path) -> None:
    """B30: outcomes, reasons, success rate, throughput, queue and run time."""
    metrics = Metrics()
    async with taxiway.open(tmp_path / "s.db", slots=2, project="p") as tw:
        for argv in (["true"], ["true"], ["true"], ["false"]):
            await tw.wait((await tw.submit(command=argv)).id, 30)
        found = await tw.metrics_summary()
        async with application(tw, rates=FREE, metrics=metrics, metrics_open=True) as app:
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
                told = samples(await client.get("/metrics"))
    assert (found.by_outcome, found.by_reason) == ({"completed": 3, "failed": 1}, {"exit_code": 1})
    assert (found.success_rate, found.recent, found.ended_last_minute) == (0.75, 4, 4)
    assert found.throughput_per_s == 4 / 60
    assert found.queue_time.count == found.run_time.count == 4
    assert sum(bucket.count for bucket in found.run_time.buckets) == 4
    assert (found.tally.submitted, found.tally.open, found.tally.slots) == (4, 0, 2)
    assert told["taxiway_runners", (("state", "live"),)] == 1


async def test_what_a_live_run_uses_of_this_host(tmp_path: Path) -> None:
    """Processes, memory and processor time of run trees: what runs below the guardian counts, too."""
    gate = tmp_path / "gate"
    gate.touch()
    async with taxiway.open(tmp_path / "s.db", slots=1, project="p") as tw:
        script = f"sh -c 'while [ -e {gate} ]; do sleep 0.05; done' & echo begun; wait"
        handle = await tw.submit(shell=script)
        async for event in handle.events():
            if event.data.get("text", "").startswith("begun"):
                break
        look, store_bytes = await tw.store_statistics.look(), await tw.store_statistics.store_bytes()
        speakers = [Speaking(actor="ann", tenant=tenant) for tenant in ("default", "acme")]
        mine, theirs = [await tw.on_behalf_of(who).statistics.look() for who in speakers]
        gate.unlink()
        await tw.wait(handle.id, 30)
    assert look.use.processes >= 3
    assert look.use.memory_bytes > 1_000_000
    assert look.use.cpu_s >= 0
    assert (look.tally.live, store_bytes > 0) == ({"running": 1}, True)
    assert (mine.tally.live, mine.use.processes) == ({"running": 1}, look.use.processes)
    assert (theirs.tally.live, theirs.use) == ({}, TreeUse()), "I10: what others run is not measured for a tenant"


async def test_every_request_is_told_once_with_who_asked_and_how_it_ended(tw: taxiway.Taxiway, token: str) -> None:
    """Access log: method, the route's template, status, seconds, actor, request id; also of what is refused."""
    heard: list[dict[str, Any]] = []
    async with heard_by(tw, token, heard) as client:
        await client.get("/v1/tasks/none", headers={"x-request-id": "mine-1"})
        await client.get("/v1/tasks", headers={"authorization": "Bearer none"})
        refused = await client.get("/v1/tasks", headers={"host": "evil.example"})
        await client.post("/healthz")
    asked = [(one["method"], one["route"], one["status"], one["actor"]) for one in heard]
    assert asked == [
        ("GET", "/v1/tasks/{task}", 404, "ann"),
        ("GET", "other", 401, None),
        ("GET", "other", 421, None),
        ("POST", "/healthz", 405, None),
    ]
    assert (heard[0]["request"], heard[2]["request"]) == ("mine-1", refused.headers["x-request-id"])
    assert all(one["seconds"] >= 0 and one["address"] == "127.0.0.1" for one in heard)
    assert json.dumps(heard)


async def test_a_client_has_the_same_summary(tw: taxiway.Taxiway, served: str, token: str) -> None:
    """Surface 7: the same record, as far away as one likes."""
    await tw.submit(command=["true"])
    async with taxiway.connect(served, token=token) as remote:
        assert await remote.metrics_summary() == await tw.metrics_summary()
