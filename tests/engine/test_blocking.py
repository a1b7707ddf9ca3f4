"""The same verbs without await, from a program that has no event loop."""

import threading
from pathlib import Path

import pytest

import taxiway


def test_a_program_without_a_loop_uses_the_same_verbs(tmp_path: Path) -> None:
    """Surface 7: handles, lists of handles, events as a plain iterator, errors as they are."""
    with taxiway.open_sync(tmp_path / "store.db", slots=2, project="") as tw:
        a = tw.submit(command=["echo", "a"])
        b = tw.submit(shell="echo b; exit 1", after=[a])
        assert a.wait(20).output == "a\n"
        assert b.wait(20).state == "failed"
        assert [str(event.type) for event in b.events()] == ["run.started", "output", "run.finished"]
        many = tw.submit_many([{"command": ["true"]}, {"command": ["true"], "after": [b]}])
        assert many[0].wait(20).state == "completed"
        assert many[1].get().reason == "dependency_failed"
        made = b.retry()
        assert made[0].wait(20).state == "failed"
        assert tw.queue("default").state == "running"
        assert tw.tasks(limit=1).cursor is not None
        with pytest.raises(taxiway.Invalid):
            tw.submit(command=["true"], lane="nowhere")
        with pytest.raises(TimeoutError):
            tw.submit(command=["sleep", "300"]).wait(0.05)
        assert tw.store is not None
    assert not [thread for thread in threading.enumerate() if thread.name == "taxiway-portal"]


def test_the_portal_is_left_in_good_order_when_its_block_raises(tmp_path: Path) -> None:
    """I7: the error is the caller's; running work goes back to its queue."""
    with pytest.raises(KeyError), taxiway.open_sync(tmp_path / "store.db", project="") as tw:  # noqa: PT012 a block
        handle = tw.submit(shell="echo up; sleep 300")
        next(event for event in handle.events() if "up" in event.data.get("text", ""))
        raise KeyError("mine")
    with taxiway.open_sync(tmp_path / "store.db", slots=0, project="") as tw:
        assert tw.task(handle.id).state == "queued"


def test_a_store_that_will_not_do_raises_at_the_with(tmp_path: Path) -> None:
    """Issue 2, Bad input: one clear error, no thread left."""
    with pytest.raises(taxiway.Unavailable, match="does not exist"), taxiway.open_sync(tmp_path / "no" / "store.db"):
        pass
    assert not [thread for thread in threading.enumerate() if thread.name == "taxiway-portal"]


def test_a_closed_portal_says_that_it_is_closed(tmp_path: Path) -> None:
    """B2: a clear error instead of a hang."""
    with taxiway.open_sync(tmp_path / "store.db", slots=0) as tw:
        pass
    with pytest.raises(taxiway.Unavailable):
        tw.submit(command=["true"])


def test_handles_are_taken_wherever_ids_are(tmp_path: Path) -> None:
    """Surface 7: in after as a list, as a mapping's keys, and inside a list of tasks."""
    with taxiway.open_sync(tmp_path / "store.db", project="") as tw:
        a = tw.submit(command=["false"])
        b = tw.submit(command=["echo", "b"], after={a: "failed"})
        [c] = tw.submit_many([{"command": ["echo", "c"], "after": [b]}])
        assert c.wait(20).output == "c\n"


def test_a_call_that_is_under_way_when_the_portal_closes_does_not_hang(tmp_path: Path) -> None:
    """I14: another thread waits for a task that will not end here."""
    answers: list[BaseException] = []
    with taxiway.open_sync(tmp_path / "store.db", slots=0, project="") as tw:
        handle = tw.submit(command=["true"])

        def wait() -> None:
            try:
                handle.wait()
            except BaseException as error:
                answers.append(error)

        waiting = threading.Thread(target=wait)
        waiting.start()
        tw.submit(command=["true"])
    waiting.join(20)
    assert not waiting.is_alive()
    assert isinstance(answers[0], taxiway.Unavailable)
