"""Reading: complete pages, the two logs, ids by their ends (A49, A50, C42, C43, I4, I17, I21)."""

from __future__ import annotations

import asyncio

import pytest

from taxiway.core.errors import Ambiguous, Invalid, NotFound
from taxiway.core.event import Event, EventType, NewEvent
from taxiway.core.run import Completed
from taxiway.core.task import Reason, TaskState
from taxiway.store.protocol import TaskFilter
from taxiway.testing.conformance.bench import ACTOR, Bench, Suite, failed


async def _pages(bench: Bench, wanted: TaskFilter, size: int) -> list[list[str]]:
    pages: list[list[str]] = []
    cursor = None
    while True:
        page = await bench.store.tasks(wanted, size, cursor)
        pages.append([task.id for task in page.items])
        if page.cursor is None:
            return pages
        cursor = page.cursor


class Paging(Suite):
    """Lists that show everything once."""

    @pytest.mark.parametrize("size", [1, 3, 10, 500])
    async def test_pages_show_every_task_once_in_order(self, bench: Bench, size: int) -> None:
        """B29, C42, C43, DC1, I17: priority descending, position ascending, submission."""
        keys = [(index * 3 % 5, index * 7 % 4) for index in range(10)]
        tasks = [await bench.submit(priority=priority, position=position) for priority, position in keys]
        ranked = sorted(range(10), key=lambda index: (-keys[index][0], keys[index][1], index))
        pages = await _pages(bench, TaskFilter(), size)
        assert [task for page in pages for task in page] == [tasks[index] for index in ranked]
        assert all(len(page) <= size for page in pages)

    async def test_an_empty_list_is_one_empty_page(self, bench: Bench) -> None:
        """C42."""
        assert await _pages(bench, TaskFilter(), 10) == [[]]

    async def test_what_matched_throughout_appears_once_while_all_else_changes(self, bench: Bench) -> None:
        """I17, C43: tasks start, end, come and go between any two pages."""
        tasks = [await bench.submit(priority=index % 3) for index in range(30)]
        seen: list[str] = []
        wanted, cursor = TaskFilter(queue="default"), None
        for step in range(100):
            page = await bench.store.tasks(wanted, 4, cursor)
            seen += [task.id for task in page.items]
            if page.cursor is None:
                break
            cursor = page.cursor
            await bench.submit(priority=step % 4)
            await bench.end_next(failed() if step % 2 else Completed())
            await bench.store.cancel(tasks[-1 - step], ACTOR)
        assert sorted(task for task in seen if task in tasks) == sorted(tasks)
        assert len(seen) == len(set(seen))

    async def test_a_list_is_narrowed_by_all_that_is_asked(self, bench: Bench) -> None:
        """B29, C42: queue, state, lane, labels."""
        await bench.store.set_lane("x", 5, ACTOR)
        await bench.store.make_queue("q", None, ACTOR)
        hit = await bench.submit(queue="q", lane="x", labels={"team": "red", "kind": "lint"}, delay_s=9)
        for other in (
            {"lane": "x", "labels": {"team": "red"}, "delay_s": 9},
            {"queue": "q", "labels": {"team": "red"}, "delay_s": 9},
            {"queue": "q", "lane": "x", "delay_s": 9},
            {"queue": "q", "lane": "x", "labels": {"team": "red"}},
        ):
            await bench.submit(**other)
        wanted = TaskFilter(
            queue="q", states=frozenset({TaskState.SCHEDULED}), lane="x", labels=(("team", "red"), ("kind", "lint"))
        )
        assert await _pages(bench, wanted, 2) == [[hit]]

    async def test_a_rare_match_is_found_behind_many_others(self, bench: Bench) -> None:
        """DC2: filters never end a page early."""
        await bench.submit_all(*(bench.new() for _ in range(1_000)))
        hit = await bench.submit(delay_s=5, priority=-1)
        assert await _pages(bench, TaskFilter(states=frozenset({TaskState.SCHEDULED})), 10) == [[hit]]

    async def test_what_is_open_comes_first_and_then_the_newest_that_has_ended(self, bench: Bench) -> None:
        """I17: priority is for what waits; of what is over one wants the latest. Pages of any size agree."""
        await bench.store.make_queue("q", None, ACTOR)
        ended = [await bench.submit(queue=queue) for queue in ("q", "default", "q")]
        await bench.drain()
        low, high, other = await bench.submit(), await bench.submit(priority=3), await bench.submit(queue="q")
        wanted = TaskFilter(open_first=True)
        for size in (1, 2, 3, 4, 6):
            shown = [task for page in await _pages(bench, wanted, size) for task in page]
            assert shown == [high, low, other, *reversed(ended)]
        assert await _pages(bench, TaskFilter(open_first=True, queue="q"), 2) == [[other, ended[2]], [ended[0]]]
        closed = TaskFilter(open_first=True, states=frozenset({TaskState.COMPLETED}))
        assert await _pages(bench, closed, 2) == [ended[:0:-1], ended[:1]]
        waiting = TaskFilter(open_first=True, states=frozenset({TaskState.QUEUED}))
        assert await _pages(bench, waiting, 2) == [[high, low], [other]]
        with pytest.raises(NotFound):
            await bench.store.tasks(TaskFilter(open_first=True, queue="nobody"), 10, None)
        with pytest.raises(Invalid):
            await bench.store.tasks(wanted, 10, "n.x")

    async def test_a_list_is_counted_as_far_as_one_asks(self, bench: Bench) -> None:
        """With its filter, whatever its order."""
        for number in range(5):
            await bench.submit(labels={"odd": str(number % 2)})
        assert await bench.store.count_tasks(TaskFilter(), 100) == 5
        assert await bench.store.count_tasks(TaskFilter(open_first=True, labels=(("odd", "1"),)), 100) == 2
        assert await bench.store.count_tasks(TaskFilter(), 3) == 3

    async def test_page_sizes_are_clamped(self, bench: Bench) -> None:
        """C35: at least one, at most the bound."""
        for _ in range(3):
            await bench.submit()
        assert len((await bench.store.tasks(TaskFilter(), 0, None)).items) == 1
        assert len((await bench.store.tasks(TaskFilter(), 10**9, None)).items) == 3

    async def test_a_cursor_that_is_none_is_refused(self, bench: Bench) -> None:
        """I17: silently starting again would show tasks twice."""
        for cursor in ("x", "1.2", "1.2.3.4", "1.2.x"):
            with pytest.raises(Invalid):
                await bench.store.tasks(TaskFilter(), 10, cursor)

    async def test_an_unknown_queue_is_told_from_an_empty_one(self, bench: Bench) -> None:
        """Decision 14."""
        with pytest.raises(NotFound):
            await bench.store.tasks(TaskFilter(queue="nobody"), 10, None)

    async def test_a_write_that_was_acknowledged_is_read(self, bench: Bench) -> None:
        """I17: at once, by the same client."""
        for _ in range(30):
            task = await bench.submit()
            assert (await bench.task(task)).id == task


class Finding(Suite):
    """Ids by their beginning or their end."""

    async def test_a_task_is_found_by_its_id_its_end_or_its_beginning(self, bench: Bench) -> None:
        """Semantics, "Ids": any unique prefix or suffix of four or more."""
        task = await bench.submit()
        for ref in (task, task[-6:], task[-4:], task[:12], task.removeprefix("task_")[:10]):
            assert await bench.store.find_task(ref) == task

    async def test_an_end_that_fits_several_lists_them(self, bench: Bench) -> None:
        """Semantics, "Ids"."""
        one, two = await bench.submit(), await bench.submit()
        with pytest.raises(Ambiguous) as caught:
            await bench.store.find_task(one[:10])
        assert caught.value.details["candidates"] == sorted([one, two])

    async def test_a_task_is_found_by_its_name_however_short(self, bench: Bench) -> None:
        """The newest present one of a queue, as in ``after``; with its queue before it where others have one too."""
        old = await bench.submit(name="a")
        await bench.end_next()
        new, other = await bench.submit(name="a"), await bench.submit(name="b")
        assert [await bench.store.find_task(ref) for ref in ("a", "default/a", "b")] == [new, new, other]
        assert await bench.store.find_task(f"default/{old[-6:]}") == old
        with pytest.raises(NotFound, match="did you mean 'b'"):
            await bench.store.find_task("elsewhere/b")

    async def test_a_name_in_several_queues_is_refused_with_every_candidate(self, bench: Bench) -> None:
        """Nothing is cancelled by a guess; a queue before the name decides, also where names hold a slash."""
        await bench.store.make_queue("q/r", None, "test")
        here, there = await bench.submit(name="x/y"), await bench.submit(name="x/y", queue="q/r")
        with pytest.raises(Ambiguous) as caught:
            await bench.store.find_task("x/y")
        assert caught.value.details["candidates"] == sorted([here, there])
        assert sorted(problem.message.split("  ")[1] for problem in caught.value.problems) == ["default/x/y", "q/r/x/y"]
        assert await bench.store.find_task("q/r/x/y") == there

    async def test_a_name_means_a_task_of_the_own_project_first(self, bench: Bench) -> None:
        """As names of queues do; who works nowhere in particular must say which."""
        ours, theirs = await bench.submit(name="x", project="/a"), await bench.submit(name="z", project="/b")
        await bench.store.make_queue("q", None, "test")
        other = await bench.submit(name="x", project="/b", queue="q")
        assert await bench.store.find_task("x", "/a") == ours
        assert await bench.store.find_task("x", "/b") == other
        assert await bench.store.find_task("z", "/a") == theirs, "a name that only others have is theirs"
        with pytest.raises(Ambiguous):
            await bench.store.find_task("x")

    @pytest.mark.parametrize("ref", ["abc", "task_abc", ""])
    async def test_an_end_that_is_too_short_is_refused(self, bench: Bench, ref: str) -> None:
        """Semantics, "Ids": four or more."""
        with pytest.raises(Invalid):
            await bench.store.find_task(ref)

    @pytest.mark.parametrize("ref", ["zzzzzz", "%%%%", "____", "task_zzzz"])
    async def test_an_end_that_fits_nothing_is_not_found(self, bench: Bench, ref: str) -> None:
        """Wild cards of a database mean nothing here."""
        await bench.submit()
        with pytest.raises(NotFound):
            await bench.store.find_task(ref)

    async def test_a_task_that_nobody_knows_is_not_found(self, bench: Bench) -> None:
        """B28: one task, its runs, its facts."""
        task = bench.ids.new("task")
        for read in (bench.store.task(task), bench.store.runs(task), bench.store.facts(task)):
            with pytest.raises(NotFound):
                await read


class Logging(Suite):
    """The change log and the run log."""

    async def test_changes_come_in_version_order_without_gap(self, bench: Bench) -> None:
        """I21, semantics, "Two logs": page by page it is the whole."""
        for index in range(10):
            await bench.submit(delay_s=index % 2 or None)
        await bench.drain()
        versions: list[int] = []
        after = 0
        while page := await bench.store.changes(after, 3):
            versions += [change.version for change in page]
            after = versions[-1]
        assert versions == list(range(1, await bench.store.last_version() + 1))

    async def test_concurrent_writers_number_their_changes_in_commit_order(self, bench: Bench) -> None:
        """I4, I21: who follows the log misses nothing."""
        seen: list[str] = []
        after = await bench.store.last_version()

        async def follow() -> None:
            nonlocal after
            while len(seen) < 60:
                for change in await bench.store.changes(after, 7):
                    assert change.version > after
                    after = change.version
                    seen.append(change.id)
                await asyncio.sleep(0)

        async with asyncio.TaskGroup() as group:
            group.create_task(follow())
            tasks = [group.create_task(bench.submit()) for _ in range(60)]
        assert sorted(seen) == sorted(task.result() for task in tasks)

    async def test_every_tasks_last_state_is_in_the_change_log(self, bench: Bench) -> None:
        """A50, semantics, "Two logs": after version V you get the latest state of everything that changed since."""
        tasks = [await bench.submit(retries=1, priority=-index) for index in range(6)]
        await bench.end_next(failed())
        await bench.end_next()
        await bench.store.cancel(tasks[3], ACTOR)
        latest = {change.id: change for change in await bench.store.changes(0, 1000)}
        for task in tasks:
            found = await bench.task(task)
            assert (latest[task].state, latest[task].version) == (found.state, found.version)
            assert latest[task].reason == found.reason

    async def test_running_is_announced_before_the_end(self, bench: Bench) -> None:
        """A50, A18."""
        task = await bench.submit()
        await bench.drain()
        states = [change.state for change in await bench.store.changes(0, 1000) if change.id == task]
        assert states == ["queued", "running", "completed"]

    async def test_a_change_names_who_and_why(self, bench: Bench) -> None:
        """I21: actor, cause, time."""
        task = await bench.submit()
        bench.clock.advance(1)
        await bench.store.cancel(task, "cli:anna")
        last = (await bench.store.changes(0, 1000))[-1]
        assert (last.id, last.actor, last.cause, last.reason) == (task, "cli:anna", "cancel", Reason.REQUESTED)
        assert last.at == bench.clock.now_ms()

    async def test_lanes_and_runners_stand_in_the_change_log_too(self, bench: Bench) -> None:
        """I21, A48."""
        await bench.store.set_lane("x", 2, ACTOR)
        await bench.store.retire(bench.runner, "draining")
        kinds = {(change.kind, change.id, change.state) for change in await bench.store.changes(0, 1000)}
        assert {("lane", "x", "set"), ("runner", bench.runner, "live"), ("runner", bench.runner, "draining")} <= kinds

    async def test_what_changes_nothing_writes_no_change(self, bench: Bench) -> None:
        """A48, I21: the same size again is no news."""
        await bench.store.set_lane("x", 2, ACTOR)
        before = await bench.store.last_version()
        await bench.store.set_lane("x", 2, ACTOR)
        await bench.store.retire("runner_nobody", "gone")
        assert await bench.store.last_version() == before

    async def test_events_are_numbered_from_one_without_gap(self, bench: Bench) -> None:
        """I4: over batches, and page by page."""
        await bench.submit()
        run = await bench.take()
        for batch in range(1, 6):
            events = [NewEvent(EventType.OUTPUT, batch, {"stream": "stderr"}, b"x" * batch) for _ in range(batch)]
            await bench.store.record(run.run, run.fence, batch, events)
        await bench.finish(run)
        seen: list[Event] = []
        after = 0
        while page := await bench.store.events(run.run, after, 4):
            seen += page
            after = page[-1].seq
        assert [event.seq for event in seen] == list(range(1, 18))
        assert (seen[0].type, seen[-1].type) == ("run.started", "run.finished")
        assert (await bench.store.run(run.run)).events == 17

    async def test_output_is_kept_to_the_byte(self, bench: Bench) -> None:
        """I4, fault 33: NUL, broken UTF-8, control characters; the text view replaces what is none."""
        await bench.submit()
        run = await bench.take()
        raw = bytes(range(256))
        await bench.store.record(run.run, run.fence, 1, [NewEvent(EventType.OUTPUT, 5, {"stream": "stdout"}, raw)])
        event = (await bench.store.events(run.run, 1, 1))[0]
        assert (event.body, event.at, event.data["stream"]) == (raw, 5, "stdout")
        assert event.data["text"] == raw.decode("utf-8", "replace")

    async def test_a_late_reader_gets_the_same_prefix(self, bench: Bench) -> None:
        """I4, C25: an event never changes."""
        await bench.submit()
        run = await bench.take()
        first = await bench.store.events(run.run, 0, 500)
        await bench.store.record(run.run, run.fence, 1, [NewEvent(EventType.STATUS, 0, {"phase": "x"})])
        assert (await bench.store.events(run.run, 0, 500))[:1] == first
