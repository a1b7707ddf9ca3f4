"""Lists over HTTP: what they can be narrowed by, and that their pages are complete while things change."""

from itertools import count
from typing import Any

import httpx
import pytest

import taxiway
from taxiway.core.approval import Question
from taxiway.store.verbs import listing
from tests.server import working
from tests.server.paging import every_page


def ids(items: list[dict[str, Any]]) -> list[str]:
    """What each is called."""
    return [str(item["id"]) for item in items]


@pytest.mark.parametrize("order", ["priority", "open"])
async def test_pages_of_tasks_hold_each_once_while_tasks_come_and_go(
    order: str, client: httpx.AsyncClient, tw: taxiway.Taxiway
) -> None:
    """C36, C42, C43, DC1: in order; what matched throughout appears exactly once."""
    many = [{"shell": "true", "priority": number % 4} for number in range(30)]
    stay = [task.id for task in await tw.submit_many(many)]
    urgent = count()

    async def meanwhile() -> None:
        handle = await tw.submit(shell="true", priority=9, name=f"new{next(urgent)}")
        await handle.cancel()
        await tw.submit(shell="true", priority=0)

    found = ids(await every_page(client, "/v1/tasks", meanwhile, limit=7, order=order))
    assert len(found) == len(set(found))
    assert [id for id in found if id in stay] == sorted(
        stay, key=lambda id: (-many[stay.index(id)]["priority"], stay.index(id))
    )


async def test_pages_of_sessions_hold_each_once_while_sessions_change(
    client: httpx.AsyncClient, tw: taxiway.Taxiway
) -> None:
    """C36, DC1: also those that nothing happens to while others move to the front."""
    made = [(await tw.session(f"s{number}", agent="coder")).id for number in range(20)]

    async def meanwhile() -> None:
        await tw.session_verbs.set("s3", {"cap": 5})

    found = ids(await every_page(client, "/v1/sessions", meanwhile, limit=6, state="all"))
    assert set(made) <= set(found)
    assert len(found) - len(set(found)) <= found.count(made[3]) - 1


async def test_pages_of_a_sessions_tasks_of_its_log_and_of_the_changes_go_on(
    client: httpx.AsyncClient, tw: taxiway.Taxiway
) -> None:
    """C22, C25, C39: numbers that only grow; an empty page is the end."""
    box = await tw.session("box", agent="coder", mailbox={"cap": 50})
    sent = [(await box.send(f"message {number}")).task.id for number in range(9)]
    found: list[str] = []
    after = 0
    while page := (await client.get("/v1/sessions/box/tasks", params={"after": after, "limit": 4})).json()["items"]:
        found += ids(page)
        after = (await client.get("/v1/sessions/box/tasks", params={"after": after, "limit": 4})).json()["cursor"]
    assert found == sent
    versions: list[int] = []
    while page := (
        await client.get("/v1/changes", params={"after": versions[-1] if versions else 0, "limit": 3})
    ).json()["items"]:
        versions += [change["version"] for change in page]
    assert versions == sorted(set(versions))
    assert versions[-1] == await tw.store.last_version()


async def test_pages_of_approvals_hold_each_once_while_some_are_answered(
    client: httpx.AsyncClient, tw: taxiway.Taxiway
) -> None:
    """I17: in the order in which they were asked."""
    await working.register(tw)
    await tw.submit(shell="true")
    run = await working.take(tw)
    asked = [(await tw.store.ask(run.run, run.fence, Question(text=f"May I {number}?"))).id for number in range(9)]
    await tw.allow(asked[0])
    found = ids(await every_page(client, "/v1/approvals", limit=2, state="all"))
    assert found == asked
    pending = ids(await every_page(client, "/v1/approvals", limit=2))
    assert pending == asked[1:]


TASKS: list[dict[str, Any]] = [
    {"shell": "make Test", "name": "lint", "labels": {"team": "red", "size": "s"}},
    {"command": ["ruff", "check_all"], "labels": {"team": "red"}},
    {"prompt": "Fix 100% of it", "agent": "coder", "labels": {"team": "blue"}},
]
FOUND = {
    "label=team=red": [0, 1],
    "label=team=red&label=size=s": [0],
    "label=team=red&label=team=blue": [],
    "q=test": [0],
    "q=LINT": [0],
    "q=check_": [1],
    "q=check.": [],
    "q=100%25": [2],
    "q=1%25": [],
    "q=blue": [2],
    "q=%5C": [],
    "q=red&label=size=s": [0],
}


@pytest.mark.parametrize(("query", "wanted"), FOUND.items())
async def test_a_list_is_narrowed_by_labels_and_by_text(
    query: str, wanted: list[int], client: httpx.AsyncClient, tw: taxiway.Taxiway
) -> None:
    """Surface 6, C42: every label must be there; a text stands for itself, in names, commands, prompts and labels."""
    made = [(await tw.submit(**fields)).id for fields in TASKS]
    assert ids((await client.get(f"/v1/tasks?{query}")).json()["items"]) == [made[number] for number in wanted]
    assert (await client.get(f"/v1/tasks-count?{query}")).json() == {"count": len(wanted)}


async def test_a_search_looks_only_so_far_at_a_time_and_goes_on(
    client: httpx.AsyncClient, tw: taxiway.Taxiway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I18, DC2: a page may be short, and its cursor says that it is not the last."""
    monkeypatch.setattr(listing, "SEARCHED_ROWS_MAX", 5)
    made = await tw.submit_many([{"shell": "needle" if number % 7 == 6 else "hay"} for number in range(28)])
    first = (await client.get("/v1/tasks?q=needle")).json()
    assert first["items"] == []
    found = ids(await every_page(client, "/v1/tasks", q="needle", limit=2))
    assert found == [made[number].id for number in (6, 13, 20, 27)]
    assert (await client.get("/v1/tasks-count?q=needle&most=1")).json() == {"count": 0}


async def test_counting_ends_where_it_was_told(client: httpx.AsyncClient, tw: taxiway.Taxiway) -> None:
    """I18: it takes time."""
    await tw.submit_many([{"shell": "true"}] * 12)
    assert (await client.get("/v1/tasks-count")).json() == {"count": 12}
    assert (await client.get("/v1/tasks-count?most=5")).json() == {"count": 5}
    assert (await client.get("/v1/tasks-count?state=running")).json() == {"count": 0}
