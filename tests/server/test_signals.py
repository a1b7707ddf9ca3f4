"""What runs are told over HTTP: words, an interrupt, a stop; each accepted once and settled once."""

from collections.abc import Callable

import httpx
import pytest

import taxiway
from taxiway.core.run import Cancelled, Lost
from taxiway.core.session import Signal
from taxiway.core.task import Reason
from taxiway.store.protocol import Claimed
from tests.server import working

KEY = {"idempotency-key": "one"}


@pytest.fixture
async def run(tw: taxiway.Taxiway) -> Claimed:
    """The live turn of a session, which takes words."""
    await working.register(tw)
    box = await tw.session("box", agent="coder")
    await box.send("work")
    return await working.take(tw, steerable=True)


async def test_words_for_the_turn_under_way_are_accepted_and_settled(
    run: Claimed, client: httpx.AsyncClient, tw: taxiway.Taxiway
) -> None:
    """C19, C15, C18, C20, C22: numbered from 1; applied by the turn, which goes on."""
    for text in ("one", "two"):
        answer = await client.post(f"/v1/runs/{run.run}/signals", json={"kind": "steer", "text": text})
        assert answer.status_code == 201
        assert answer.json() | {"signal": "", "message": ""} == {
            "kind": "steer", "state": "accepted", "run": run.run, "signal": "", "why": None, "message": "",
        }  # fmt: skip
    first, second = (await client.get(f"/v1/runs/{run.run}/signals")).json()["items"]
    assert (first["seq"], second["seq"], first["actor"]) == (1, 2, "ann")
    await tw.store.settle_signal(run.run, run.fence, first["id"], True, None)
    page = (await client.get(f"/v1/runs/{run.run}/signals?after=0&limit=1")).json()
    assert (page["items"][0]["state"], page["cursor"]) == ("applied", 1)
    assert (await client.get(f"/v1/runs/{run.run}/signals?after=1")).json()["items"] == [second]
    assert (await client.get(f"/v1/runs/{run.run}")).json()["state"] == "running"


async def test_words_for_the_next_turn_wait(run: Claimed, client: httpx.AsyncClient, tw: taxiway.Taxiway) -> None:
    """C14, surface 6: `turn` is a message; it runs when this turn has ended."""
    answer = (await client.post(f"/v1/runs/{run.run}/signals", json={"kind": "turn", "text": "then this"})).json()
    assert (answer["state"], answer["signal"]) == ("accepted", None)
    assert (await tw.task(answer["message"])).spec.prompt == "then this"
    await working.end(tw, run)
    assert (await working.take(tw)).task == answer["message"]


@pytest.mark.parametrize("kind", ["stop", "interrupt"])
@pytest.mark.parametrize("dies", [False, True])
async def test_a_run_that_is_told_to_end_is_cancelled_whatever_its_runner_does(
    kind: str, dies: bool, run: Claimed, client: httpx.AsyncClient, tw: taxiway.Taxiway
) -> None:
    """C10, SQ-30: what was open is settled first, then the run ends, then its task; all of it in that order."""
    await client.post(f"/v1/runs/{run.run}/signals", json={"kind": "steer", "text": "left"})
    told = (await client.post(f"/v1/runs/{run.run}/signals", json={"kind": kind})).json()
    assert told["state"] == "accepted"
    assert (run.run, Signal(kind)) in await working.told(tw)
    reason = Reason.REQUESTED if kind == "stop" else Reason.INTERRUPTED
    await working.end(tw, run, Lost() if dies else Cancelled(reason))
    steer, end = (await client.get(f"/v1/runs/{run.run}/signals")).json()["items"]
    assert (steer["state"], steer["why"]) == ("refused", "the turn ended first")
    assert end["state"] == "applied"
    task = (await client.get(f"/v1/tasks/{run.task}")).json()
    assert (task["state"], task["reason"]) == ("cancelled", str(reason))
    events = (await client.get(f"/v1/runs/{run.run}/events")).json()["items"]
    types = [event["type"] for event in events]
    assert types.index("signal.settled") < types.index("run.finished")


async def test_a_run_of_no_session_is_stopped_too(client: httpx.AsyncClient, tw: taxiway.Taxiway) -> None:
    """C11, DC5: and its signal is settled with its end, as in a session; words and an interrupt would be nobody's."""
    await working.register(tw)
    await tw.submit(shell="true")
    run = await working.take(tw)
    path = f"/v1/runs/{run.run}/signals"
    for kind, text, code in (("steer", "x", "no_turn"), ("interrupt", None, "no_turn"), ("turn", "x", "conflict")):
        refused = await client.post(path, json={"kind": kind, "text": text})
        assert (refused.status_code, refused.json()["code"]) == (409, code)
    await client.post(path, json={"kind": "stop"})
    await working.end(tw, run, Cancelled(Reason.REQUESTED))
    (signal,) = (await client.get(f"/v1/runs/{run.run}/signals")).json()["items"]
    assert signal["state"] == "applied"


async def test_a_signal_is_given_once_under_its_key_also_when_the_run_has_ended(
    run: Claimed, client: httpx.AsyncClient, tw: taxiway.Taxiway
) -> None:
    """C16, C17, DC8: the same again is answered as before; something else under the key is a mismatch."""
    path = f"/v1/runs/{run.run}/signals"
    first = await client.post(path, json={"kind": "steer", "text": "one"}, headers=KEY)
    await working.end(tw, run)
    again = await client.post(path, json={"kind": "steer", "text": "one"}, headers=KEY)
    assert (again.status_code, again.json()) == (201, first.json())
    assert len((await client.get(path)).json()["items"]) == 1
    other = await client.post(path, json={"kind": "stop"}, headers=KEY)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_mismatch")


@pytest.mark.parametrize("body", [{"kind": "stop"}, {"kind": "turn", "text": "x"}, {"kind": "steer", "text": "x"}])
async def test_a_run_that_has_ended_is_told_nothing(
    body: dict[str, str], run: Claimed, client: httpx.AsyncClient, tw: taxiway.Taxiway
) -> None:
    """C14, C9: its end is final."""
    await working.end(tw, run)
    answer = await client.post(f"/v1/runs/{run.run}/signals", json=body)
    assert (answer.status_code, answer.json()["code"]) == (409, "terminal")


async def test_a_signal_is_taken_back_until_it_is_settled(
    run: Claimed, client: httpx.AsyncClient, tw: taxiway.Taxiway
) -> None:
    """C21: its message is cancelled with it; afterwards it stays as it is; what ends a run stays said."""
    path = f"/v1/runs/{run.run}/signals"
    told = (await client.post(path, json={"kind": "steer", "text": "one"})).json()
    gone = await client.post(f"/v1/signals/{told['signal']}/cancel")
    assert (gone.json()["state"], gone.json()["why"]) == ("refused", "it was cancelled")
    assert (await tw.task(told["message"])).state is taxiway.TaskState.CANCELLED
    assert (await client.post(f"/v1/signals/{told['signal']}/cancel")).json() == gone.json()
    stop = (await client.post(path, json={"kind": "stop"})).json()
    assert (await client.post(f"/v1/signals/{stop['signal']}/cancel")).status_code == 409


BAD = [{"kind": "steer"}, {"kind": "stop", "text": "x"}, {"kind": "wave"}, {"kind": "turn", "text": ""}, {}]


@pytest.mark.parametrize("body", BAD)
async def test_what_is_no_signal_is_refused(body: dict[str, str], run: Claimed, client: httpx.AsyncClient) -> None:
    """C4, bad input: words where there are none, none where there must be some; an unknown run or signal is a 404."""
    answer = await client.post(f"/v1/runs/{run.run}/signals", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert (await client.post("/v1/signals/sig_nobody/cancel")).status_code == 404
    unknown = "run_" + "0" * 26
    answer = await client.get(f"/v1/runs/{unknown}/signals")
    assert answer.status_code == 404
    assert unknown in answer.json()["detail"]


@pytest.mark.parametrize("asked", ["steer", "interrupt", "signal"])
async def test_what_was_told_and_whose_answer_was_lost_is_answered_when_the_turn_has_ended(
    asked: str, run: Claimed, client: httpx.AsyncClient, tw: taxiway.Taxiway, lost: Callable[[], None]
) -> None:
    """I9: a refusal would say that it was never told; and it is told once."""
    path, body = {
        "steer": (f"/v1/tasks/{run.task}/steer", {"text": "left"}),
        "interrupt": (f"/v1/tasks/{run.task}/interrupt", None),
        "signal": (f"/v1/runs/{run.run}/signals", {"kind": "steer", "text": "left"}),
    }[asked]
    lost()
    assert (await client.post(path, json=body, headers=KEY)).status_code == 503
    told = await tw.signals(run.run)
    await working.end(tw, run)
    again = await client.post(path, json=body, headers=KEY)
    assert again.is_success, again.text
    assert again.headers["idempotency-replayed"] == "true"
    assert len(await tw.signals(run.run)) == len(told) == 1
    assert await tw.count_tasks() == (1 if asked == "interrupt" else 2)
