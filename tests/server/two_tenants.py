"""Two tenants on one server: one has something of everything, the other asks for it by every route."""

import re
from typing import Any, Final

import httpx
import msgspec

import taxiway
from taxiway.core.approval import Question
from taxiway.core.event import EventType, NewEvent
from taxiway.core.readiness import Scope
from taxiway.core.run import Completed, ProcessMark
from taxiway.core.session import Signal
from taxiway.core.token import TokenScope
from taxiway.doors import Speaking
from taxiway.server.endpoint import Endpoint, InProject, NoQuery
from taxiway.store.protocol import Runner, WarmProcess

STARTS = {"guardian_pid": 1, "guardian_start": 1, "child_pid": 2, "child_start": 2}
MARK = {"tag": "t", "boot_id": "b", "pid_namespace": 4, **STARTS}
BRACES = re.compile(r"{(\w+)}")
ANY_ID = re.compile(r"\b(task|run|sess|appr|sig|tok|req|runner|proc|msg)_[0-9a-z]{26}\b")
MOMENT = re.compile(r'"\d{4}-\d\d-\d\dT[^"]*"')
NUMBER = re.compile(r'"(version|max_version|seq|active_at|age_ms|newest|migration|retry_after_s)":\s*\d+')
TEXT = re.compile(r"txw_[0-9A-Za-z_-]+")


class Things(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody has, by the names of the parameters that mean it; or what nobody has."""

    task: str
    run: str
    signal: str
    approval: str
    token: str
    runner: str
    process: str
    session: str
    queue: str
    lane: str
    account: str
    fence: int
    name: str
    key: str

    def all(self) -> list[str]:
        """Every id and name, longest first."""
        return sorted((value for value in msgspec.to_builtins(self).values() if isinstance(value, str)), key=len)[::-1]


def nobodys(number: int) -> Things:
    """Ids of the right kinds, and names, that nobody has."""
    last = str(number) * 26
    words = {name: f"nobody{number}{name}" for name in ("session", "queue", "lane", "account", "name", "key")}
    ids = {"task": "task", "run": "run", "signal": "sig", "approval": "appr", "token": "tok", "runner": "runner"}
    return Things(**{name: f"{kind}_{last}" for name, kind in ids.items()}, process=f"proc_{last}", fence=1, **words)


async def fill(tw: taxiway.Taxiway, tenant: str) -> Things:
    """Something of everything for a tenant, with its name in every name."""
    theirs = tw.on_behalf_of(Speaking(actor=f"{tenant}-ann", tenant=tenant))
    names = {name: f"{tenant}-{name}" for name in ("session", "queue", "lane", "account", "name", "key")}
    token, _ = await theirs.make_token(f"{tenant}-key", TokenScope.RUNNER)
    runner = f"runner_{tenant}{'0' * (26 - len(tenant))}"
    store = tw.store
    await store.register(Runner(id=runner, host=f"remote:{tenant}", boot_id="b", pid=1, slots=9, token=token.id))
    only = Scope(tenants=frozenset({tenant}))
    await theirs.make_queue(names["queue"], 2)
    await theirs.set_lane(names["lane"], 3)
    await theirs.park_account(names["account"], why=f"{tenant} is away")
    await theirs.submit(shell="true", name=f"{tenant}-ended")
    [run] = await store.claim(runner, only, 1)
    await store.started(run.run, run.fence, None)
    await store.finish(run.run, run.fence, Completed(f"{tenant} output"), 0.5)
    box = await theirs.session(names["session"], agent="coder")
    await theirs.submit(
        prompt=f"{tenant} words", name=names["name"], session=names["session"], idempotency_key=names["key"]
    )
    [run] = await store.claim(runner, only, 1)
    mark = msgspec.convert(MARK, ProcessMark)
    await store.started(run.run, run.fence, mark)
    await store.record(run.run, run.fence, 1, [NewEvent(EventType.STATUS, 1, {"said": f"{tenant} event"})])
    receipt = await theirs.signal(run.run, Signal.STOP, None)
    process = f"proc_{tenant}{'0' * (26 - len(tenant))}"
    await store.opened_process(WarmProcess(id=process, session=box.id, runner=runner, mark=mark))
    asked = await store.ask(run.run, run.fence, Question(text=f"may {tenant}?", tool="sh"))
    spec = {"shell": "true", "queue": names["queue"], "delay": 3600.0, "labels": {"who": names["name"]}}
    await theirs.submit(**spec, lane=names["lane"], name=f"{tenant}-later")
    await theirs.set_lane(names["lane"], 3, queue=names["queue"])
    return Things(
        task=run.task,
        run=run.run,
        fence=run.fence,
        signal=receipt.signal or "",
        approval=asked.id,
        token=token.id,
        runner=runner,
        process=process,
        **names,
    )


class Way(msgspec.Struct, frozen=True):
    """A way to name what somebody has to an endpoint, beside its path."""

    body: Any = None
    query: dict[str, Any] = {}
    headers: dict[str, str] = {}


FENCE: Final = {"fence": "{fence}"}
TASK: Final = {"shell": "true"}
KEYED: Final = {"idempotency-key": "{key}"}
#: How each endpoint is asked that takes a body or a query, by its method and path: every field that can name something
#: names it. A text in braces is what somebody has of that kind.
WAYS: Final[dict[str, list[Way]]] = {
    "GET /tasks-count": [Way(query={name: f"{{{name}}}"}) for name in ("queue", "lane", "session")],
    "POST /tasks/{task}/read": [Way({"reader": "{name}"})],
    "POST /tasks": [
        Way({**TASK, "name": "{name}", "idempotency_key": "{key}"}),
        Way({**TASK, "idempotency_key": "{key}"}, headers=KEYED),
        Way(TASK, headers=KEYED),
        *(Way([{**TASK, "after": {f"{{{name}}}": "completed"}}]) for name in ("task", "name")),
        *(Way({**TASK, name: f"{{{name}}}"}) for name in ("queue", "lane", "session")),
        Way({"prompt": "words", "agent": "{account}"}),
    ],
    "GET /tasks": [
        *(Way(query={name: f"{{{name}}}"}) for name in ("queue", "lane", "session")),
        Way(query={"q": "{name}"}),
        Way(query={"label": "who={name}"}),
    ],
    "GET /tasks/{task}": [Way(), Way(query={"reader": "{name}"})],
    "POST /tasks/cancel-all": [Way({"queue": "{queue}"}), Way({})],
    "POST /plans": [
        Way({"tasks": {"one": TASK}}, {"queue": "{queue}"}),
        Way({"tasks": {"one": {**TASK, "lane": "{lane}", "session": "{session}"}}}, {"queue": "fresh"}),
    ],
    "GET /runs/{run}/events": [Way(), Way(query={"after": 0, "limit": 1})],
    "POST /runs/{run}/signals": [
        Way({"kind": "stop"}),
        Way({"kind": "steer", "text": "left"}),
        Way({"kind": "stop"}, {}, KEYED),
    ],
    "GET /runs/{run}/signals": [Way()],
    "POST /tasks/{task}/steer": [Way({"text": "left"})],
    "GET /changes": [Way()],
    "POST /sessions": [Way({"key": "{session}", "agent": "{account}"})],
    "GET /sessions": [Way(query={"state": "all", "reader": "ann"}), Way(query={"agent": "{account}"})],
    "GET /sessions/{session}": [Way(), Way(query={"reader": "{name}"})],
    "PATCH /sessions/{session}": [Way({"mailbox": {"cap": 1}})],
    "POST /sessions/{session}/messages": [Way({**TASK, "idempotency_key": "{key}"}), Way(TASK, headers=KEYED)],
    "POST /sessions/{session}/fork": [Way({"key": "forked"})],
    "POST /sessions/{session}/reset": [Way({})],
    "POST /sessions/{session}/read": [Way({"reader": "{name}"})],
    "POST /sessions/{session}/archive": [Way({})],
    "GET /sessions/{session}/tasks": [Way()],
    "GET /sessions/{session}/trace": [Way(), Way(query={"run": "{run}"})],
    "GET /sessions/{session}/output": [Way(), Way(query={"run": "{run}"})],
    "PUT /sessions/{session}/on-limit": [Way({"on_limit": "wait"})],
    "POST /queues": [Way({"name": "{queue}"})],
    "GET /queues/{queue}": [Way()],
    "PATCH /queues/{queue}": [Way({"slots": 1})],
    "GET /queues/{queue}/stats": [Way()],
    "GET /queues/{queue}/snapshot": [Way()],
    **{f"POST /queues/{{queue}}/{move}": [Way()] for move in ("start", "pause", "resume", "stop", "reset")},
    "PUT /queues/{queue}/on-limit": [Way({"on_limit": "wait"})],
    "GET /lanes/{lane}": [Way(), Way(query={"queue": "{queue}"})],
    "PUT /lanes/{lane}": [Way({"size": 1, "queue": "{queue}"}), Way({"size": 1})],
    "POST /lanes/{lane}/start": [Way(), Way(query={"queue": "{queue}"})],
    "POST /lanes/{lane}/stop": [Way(), Way(query={"queue": "{queue}"})],
    "GET /approvals": [Way(query={"task": "{task}", "state": "all"})],
    "POST /approvals/{approval}/allow": [Way({})],
    "POST /approvals/{approval}/deny": [Way({"reason": "no"})],
    "PATCH /accounts/{account}": [Way({"limit": 1})],
    "POST /accounts/{account}/park": [Way({"for_s": 60})],
    "GET /usage": [Way(query={"by": by}) for by in ("agent", "day")],
    "POST /tokens": [Way({"name": "{name}"})],
    "POST /runners/invites": [Way({"name": "{name}"})],
    "POST /runners/keys": [Way({"id": "{token}", "hash": "0" * 64})],
    "POST /runners": [Way({"id": "{runner}", "host": "h", "boot_id": "b", "pid": 1, "slots": 1})],
    "POST /runners/{runner}/claim": [Way({"free": 9, "scope": {"queues": [["", "{queue}"]]}}), Way({"free": 0})],
    "POST /runners/{runner}/resume": [Way({"room": 9, "waiting": ["{run}"]})],
    "POST /runners/{runner}/retire": [Way({"state": "gone"})],
    "GET /runners/{runner}/hints": [Way(query={"wait_s": 0})],
    "POST /runs/{run}/started": [Way({**FENCE, "process": MARK})],
    "POST /runs/{run}/events": [Way({**FENCE, "batch": 2, "events": [{"type": "status", "at": 1, "data": {}}]})],
    "POST /runs/{run}/finish": [Way({**FENCE, "outcome": {"kind": "completed", "output": "forged"}})],
    "POST /runs/{run}/stop": [Way({**FENCE, "cause": "drain"})],
    "POST /runs/{run}/approvals": [Way({**FENCE, "question": {"text": "may I?"}})],
    "POST /runs/{run}/approvals/{approval}/withdraw": [Way(FENCE)],
    "POST /runs/{run}/signals/{signal}/delivered": [Way(FENCE)],
    "POST /runs/{run}/signals/{signal}/settle": [Way({**FENCE, "applied": True})],
    "POST /runs/{run}/session": [Way({**FENCE, "facts": {"thread": "stolen"}})],
    "GET /runs/{run}/turns": [Way(query={"generation": 0})],
    "POST /runs/{run}/provider": [Way(FENCE)],
    "POST /runs/{run}/processes/{process}": [Way({**FENCE, "runner": "{runner}", "mark": MARK})],
}


def ways(endpoint: Endpoint) -> list[Way]:
    """Every way of asking it. Raises ``KeyError`` for an endpoint with a body or a query that no recipe is for."""
    asked = f"{endpoint.method} {endpoint.path}"
    if endpoint.body is None and endpoint.query in (NoQuery, InProject):
        return WAYS.get(asked, [Way()])
    return WAYS[asked]


def put(value: Any, of: Things) -> Any:
    """The same with what somebody has in the place of each text in braces."""
    match value:
        case "{fence}":
            return of.fence
        case str():
            return BRACES.sub(lambda found: str(getattr(of, found[1], of.name)), value)
        case dict():
            return {put(key, of): put(inner, of) for key, inner in value.items()}
        case list():
            return [put(inner, of) for inner in value]
        case _:
            return value


async def ask(client: httpx.AsyncClient, endpoint: Endpoint, way: Way, of: Things) -> httpx.Response:
    """Ask it for what somebody has."""
    path = "/v1" + put(endpoint.path, of)
    sent = {} if way.body is None else {"json": put(way.body, of)}
    return await client.request(endpoint.method, path, params=put(way.query, of), headers=put(way.headers, of), **sent)


def said(answer: httpx.Response, of: Things) -> str:
    """What an answer says, apart from what was asked for, the request's id, moments, and numbers of the store."""
    text = f"{answer.status_code} {sorted(set(answer.headers) - {'content-length'})} {answer.text}"
    for value in of.all():
        text = text.replace(value, "THING")
    text = ANY_ID.sub(r"\1_ID", MOMENT.sub('"MOMENT"', TEXT.sub("TEXT", text)))
    return re.sub(r"is \d+ characters", "is N characters", NUMBER.sub(r'"\1":N', text))
