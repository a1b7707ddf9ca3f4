"""Every control that a queue has can be reached by whoever has only the command line, and tells what became of it."""

from tests.e2e.conftest import CommandLine


def test_pause_resume_cancel_and_remove_are_there_for_everybody(taxiway: CommandLine) -> None:
    """A56, DA12: each answers with the state that the store then has, and a later reader sees the same."""
    assert (
        taxiway("submit", taxiway.plan("p", {"a": {"command": ["true"]}, "b": {"command": ["true"]}})).returncode == 0
    )
    assert taxiway.json("queue", "pause", "p")["state"] == "paused"
    assert taxiway.json("queue", "show", "p")["state"] == "paused"
    assert taxiway.json("queue", "resume", "p")["state"] == "running"
    assert taxiway.json("queue", "show", "p")["state"] == "running"
    task = taxiway.tasks("p")["a"]["id"]
    assert taxiway("task", "cancel", task).returncode == 0
    assert (taxiway.tasks("p")["a"]["state"], taxiway.tasks("p")["b"]["state"]) == ("cancelled", "queued")
    assert taxiway("task", "remove", taxiway.tasks("p")["b"]["id"]).returncode == 0
    assert list(taxiway.tasks("p")) == ["a"]
    assert taxiway.json("queue", "show", "p")["state"] == "completed"
