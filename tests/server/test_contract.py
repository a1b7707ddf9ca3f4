"""The server and its description agree: whatever is sent that it allows, or forbids, is answered as it says."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from itertools import permutations
from pathlib import Path
from typing import NamedTuple

import jsonschema
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks
from schemathesis.specs.openapi.definitions import OPENAPI_31

import taxiway
from taxiway.core.token import TokenScope
from taxiway.server.app import ENDPOINTS, PREFIX
from taxiway.server.listening import bind, listening
from taxiway.server.openapi import openapi
from taxiway.up import application
from tests.server.conftest import FREE

DOCUMENT = openapi(PREFIX, ENDPOINTS)
SUBJECTS = sorted({path.split("/")[2] for path in DOCUMENT["paths"]})
EXAMPLES, EXAMPLES_OF_THE_PROOF = 4, 40  #: of each kind, of each operation
HELD = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
    checks.unsupported_method,
]
WHOLE = {"name": "lint", "shell": "true", "labels": {"a": "1"}, "session": "box", "delay": 3600}


class Place(NamedTuple):
    """A server with something of everything, and what things are called there by their parameter."""

    url: str
    token: str
    known: dict[str, str]


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    """A server whose store has a task that waits, a run that has ended, a session, a queue, a lane, an account."""
    async with taxiway.open(tmp_path / "s.db", slots=1, project="p") as tw:
        _, token = await tw.make_token("ann", TokenScope.ADMIN)
        viewer, _ = await tw.make_token("bob", TokenScope.VIEWER)
        task = await tw.submit(**WHOLE)
        ended = await tw.wait((await tw.submit(shell="true")).id)
        await tw.make_queue("nightly", 2)
        await tw.park_account("work", why="holiday")
        (run,) = await tw.runs(ended.id)
        things = {"queue": "nightly", "session": "box", "lane": "main", "account": "work"}
        listener = bind("127.0.0.1", 0)
        async with application(tw, rates=FREE) as app, listening(app, listener):
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            yield Place(url, token, things | {"task": task.id, "run": run.id, "token": viewer.id})


def test_the_description_is_an_openapi_document() -> None:
    """Surface 6: by the meta-schema of OpenAPI 3.1; every operation has a name of its own."""
    validator = jsonschema.Draft202012Validator(OPENAPI_31)
    assert [str(error) for error in validator.iter_errors(DOCUMENT)] == []
    names = [one["operationId"] for methods in DOCUMENT["paths"].values() for one in methods.values()]
    assert len(names) == len(set(names)) == len(ENDPOINTS)


def test_no_word_of_a_path_hides_what_is_called_so() -> None:
    """Surface 6: a task may be called `count`, a runner `invites`."""
    hidden = [
        (one.path, other.path)
        for one, other in permutations(ENDPOINTS, 2)
        if one.method is other.method and hides(one.path.split("/"), other.path.split("/"))
    ]
    assert hidden == []


def hides(words: list[str], place: list[str]) -> bool:
    """Whether one path is another one with a word where that has a name."""
    named = [there[:1] == "{" != word[:1] for word, there in zip(words, place, strict=False)]
    same = [word == there for word, there in zip(words, place, strict=False)]
    return len(words) == len(place) and any(named) and all(a or b for a, b in zip(named, same, strict=True))


@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize("kind", GenerationMode, ids=lambda kind: kind.value)
async def test_every_operation_answers_as_it_is_described(subject: str, kind: GenerationMode, place: Place) -> None:
    """Rows 38-40: no 500, no answer that is not described, nothing taken that is forbidden."""
    await asyncio.to_thread(ask_all, subject, kind, place, EXAMPLES)


@pytest.mark.proof
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize("kind", GenerationMode, ids=lambda kind: kind.value)
async def test_every_operation_answers_as_it_is_described_at_length(
    subject: str, kind: GenerationMode, place: Place
) -> None:
    """Rows 38-40: the same with many more examples."""
    await asyncio.to_thread(ask_all, subject, kind, place, EXAMPLES_OF_THE_PROOF)


def ask_all(subject: str, kind: GenerationMode, place: Place, examples: int) -> None:
    """Send examples of one kind to all operations on a subject; what removes the things comes last."""
    schema = schemathesis.openapi.from_dict({**DOCUMENT, "security": []})  # who comes in is test_doorkeeper's
    paths = [path for path in DOCUMENT["paths"] if path.split("/")[2] == subject]
    operations = [(path, method) for path in paths for method in DOCUMENT["paths"][path]]
    for path, method in sorted(operations, key=lambda one: one[1] == "delete"):
        known = {name: id for name, id in place.known.items() if f"{{{name}}}" in path}
        operation = schema[path][method.upper()]
        cases = operation.as_strategy(generation_mode=kind)
        if known:
            cases = st.one_of(cases, operation.as_strategy(generation_mode=kind, path_parameters=known))
        ask(cases, place, examples)


def ask(cases: st.SearchStrategy[Case], place: Place, examples: int) -> None:
    """Send examples, and look at every answer."""

    @given(case=cases)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    def each(case: Case) -> None:
        case.call_and_validate(base_url=place.url, headers={"authorization": f"Bearer {place.token}"}, checks=HELD)

    with suppress(Unsatisfiable):  # an operation without parameters can be sent nothing that is wrong
        each()
