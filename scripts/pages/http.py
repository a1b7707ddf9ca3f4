"""Parts of the pages about HTTP: the server's endpoints as the code has them, a table for each page, and the server
that its examples ask."""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Final

from scripts.pages.markdown import Part, code, table
from taxiway.server.app import ENDPOINTS, PREFIX
from taxiway.server.endpoint import Endpoint
from taxiway.server.reach import Reach

#: The pages of ``docs/http`` that have endpoints, each with the first words of their paths.
PAGES: Final[Mapping[str, tuple[str, ...]]] = {
    "tasks": ("tasks", "tasks-count"),
    "plans": ("plans",),
    "runs": ("runs", "signals"),
    "changes": ("changes", "stream", "ws"),
    "sessions": ("sessions",),
    "queues": ("queues", "lanes"),
    "approvals": ("approvals",),
    "accounts": ("accounts", "usage"),
    "administration": ("tokens", "agents", "runners", "health", "metrics-summary"),
    "browsers": ("links", "sign-out"),
}

#: What answers live is no endpoint like the others.
LIVE: Final = {
    "/stream": "What is committed behind a cursor, as it is committed, as server-sent events.",
    "/ws": "The same over a WebSocket: a text frame a batch. What the reader says is not listened to.",
}

#: What the token of a run may name on a path.
REACHED: Final[Mapping[Reach, str]] = {
    Reach.SUBMIT: "nothing: what it asks for is its child",
    Reach.TASK: "its own task, and those below it",
    Reach.BELOW: "tasks below its own",
    Reach.RUN: "itself, other runs of its task, and runs of tasks below that",
    Reach.RUN_BELOW: "runs of tasks below its own",
    Reach.SESSION: "its own session",
}

_SERVER: Final = """\
```sh run
taxiway up --store work.db --slots 2 --port 8787 > up.log 2>&1 &
echo $! > up.pid
until grep -q "token lies" up.log; do sleep 0.2; done
```

```sh file=api
# bash api METHOD PATH [JSON] [HEADER]
curl -sS --fail-with-body -X "$1" "http://127.0.0.1:8787/v1$2" \\
  -H "Authorization: Bearer $(cat work.token)" ${3:+-H "Content-Type: application/json" -d "$3"} ${4:+-H "$4"}
```
"""


def server() -> str:
    """A server on a new store, and a script that asks it."""
    return _SERVER


def tables() -> dict[str, Part]:
    """For each page the table of its endpoints, under the name of the part."""
    return {f"http-endpoints-{page}": partial(endpoints, words) for page, words in PAGES.items()}


def endpoints(words: tuple[str, ...]) -> str:
    """The endpoints whose paths begin with one of these words, with who may use them."""
    rows = sorted((*_told(), *_live()))
    heads = ("endpoint", "scope", "what it does")
    return table(heads, [_cells(*row) for word in words for row in rows if row[0].split("/")[1] == word])


def reach() -> str:
    """What the token of a run opens, and what it may name there."""
    rows = [(one.path, str(one.method), REACHED[one.reach]) for one in ENDPOINTS if one.reach is not None]
    return table(("endpoint", "what it may name"), [_cells(*row) for row in sorted(rows)])


def _told() -> Iterable[tuple[str, str, str, str]]:
    return ((one.path, str(one.method), str(one.scope), _said(one)) for one in ENDPOINTS)


def _live() -> Iterable[tuple[str, str, str, str]]:
    return ((path, "GET", "viewer", text) for path, text in LIVE.items())


def _cells(path: str, method: str, *others: str) -> tuple[str, ...]:
    return (code(f"{method} {PREFIX}{path}"), *others)


def _said(one: Endpoint) -> str:
    text = " ".join((one.handler.__doc__ or f"{one.summary}.").split()).replace("``", "`")
    return text + (" Takes `If-Match`." if one.conditional else "")
