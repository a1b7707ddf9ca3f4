"""The benchmarks of agents run, in a small size, and what must hold on a machine of any speed holds."""

from pathlib import Path

import pytest

from benchmarks import limits, streams, turns, warmth
from benchmarks.figure import Figure
from benchmarks.place import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A place for a benchmark's data."""
    return Place(tmp_path)


def reached(figures: list[Figure], *words: str) -> bool:
    """Whether every goal of the figures whose names hold one of these words was reached."""
    chosen = [figure for figure in figures if any(word in figure.name for word in words)]
    assert len(chosen) == len(words)
    return not any(figure.missed for figure in chosen)


async def test_taxiways_share_of_a_turn_is_measured_on_a_warm_process_and_on_a_new_one(place: Place) -> None:
    """The parts are those of one turn, so each of them takes time."""
    warm, _, _, _ = figures = await turns.shares(place, turns=2, starts=1)
    assert all(figure.measured is not None for figure in figures)
    assert warm.measured > 0  # type: ignore[operator]
    assert warm.raw > 0  # type: ignore[operator]


async def test_a_second_turn_starts_sooner_than_the_first_whose_process_has_to_start(place: Place) -> None:
    """A31, A33: the fake agent's process takes longer to start than its turn."""
    assert reached(await warmth.second_turns(place, sessions=2, names=("fake",)), "fake")


async def test_a_cli_that_is_not_installed_is_left_out_with_a_word(
    place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What could not be taken says why."""
    monkeypatch.setattr(warmth, "FOLDER", tmp_path)
    [figure] = await warmth.second_turns(place, names=("codex",))
    assert (figure.measured, figure.note) == (None, "not installed here: `scripts/agents codex` does it")


async def test_no_event_of_a_stream_is_lost_on_its_way_to_a_watcher(place: Place) -> None:
    """I4: from the agent's process through the runner's to a watcher in a third, each once and in order."""
    assert reached(await streams.streaming(place, agents=3, rate=50, seconds=2, start_s=1.0), "lost")


async def test_an_account_with_real_processes_is_probed_once_after_its_reset_and_not_asked_before(place: Place) -> None:
    """The limit trace: one probe, no call before it, no attempt burned."""
    figures = await limits.trace(place, sessions=16, resets_in_s=(3.0, 4.0))
    assert reached(figures, "probes", "before the reset", "burned")
