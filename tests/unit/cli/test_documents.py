"""What ``--json`` says of a task holds everything that the surface promises, in the types that it promises."""

import json

from taxiway.cli.words import span
from taxiway.core.event import Event, EventType
from taxiway.core.readiness import Obstacle, ObstacleKind
from taxiway.core.specs import checked_spec
from taxiway.core.task import Condition, Dependency, Reason, TaskSpec
from taxiway.wire.documents import event_document, obstacle_document, spec_document, task_document
from taxiway.wire.moments import rfc3339
from tests.unit.cli.conftest import MakeTask

PROMISED = (
    "id state reason attempt max_attempts error output result exit_code signal usage created_at started_at finished_at"
    " version name queue lane priority position command shell job args after cwd env stdin timeout_s idle_timeout_s"
    " expires_s delay_s retries backoff retry_on no_wait idempotency_key labels metadata"
).split()


def test_a_task_document_has_every_promised_field(make_task: MakeTask) -> None:
    """Also those that nobody set: programs need not ask whether a field is there."""
    task = make_task("a", "failed", reason=Reason.TIMEOUT, created_at=1_700_000_000_123, retries=2, attempt=1)
    document = json.loads(json.dumps(task_document(task)))
    assert [field for field in PROMISED if field not in document] == []
    assert (document["state"], document["reason"], document["max_attempts"]) == ("failed", "timeout", 3)
    assert document["created_at"] == "2023-11-14T22:13:20.123Z"
    assert document["started_at"] is None
    measured = dict.fromkeys(("input_tokens", "output_tokens", "cached_tokens", "usd", "turns"))
    assert document["usage"] == measured | {"usd_computed": False}, "null where unmeasured, never a made-up 0"


def test_a_spec_in_json_can_be_handed_in_again() -> None:
    """What a task was asked is a task that can be asked."""
    spec = checked_spec(
        {
            "name": "a",
            "shell": "ls",
            "after": {"b": "failed"},
            "timeout": "5m",
            "backoff": {"first": "1s"},
            "retries": 2,
        }
    )
    assert checked_spec(json.loads(json.dumps(spec_document(spec)))) == spec
    assert spec_document(TaskSpec(after=(Dependency("b", Condition.FAILED),)))["after"] == {"b": "failed"}


def test_events_and_obstacles_tell_their_times_as_rfc_3339() -> None:
    """UTC with milliseconds; output as text, with the number of its bytes."""
    event = Event("run_x", 3, EventType.OUTPUT, 1_000, {"stream": "stdout", "text": "hi"}, b"hi")
    assert event_document(event) == {
        "run": "run_x",
        "seq": 3,
        "type": "output",
        "at": "1970-01-01T00:00:01.000Z",
        "data": {"stream": "stdout", "text": "hi"},
        "bytes": 2,
    }
    obstacle = obstacle_document(Obstacle(ObstacleKind.DELAY, "later", ("task_x",), since=0, until=2_000))
    assert obstacle["since"] == rfc3339(0)
    assert obstacle["until"] == "1970-01-01T00:00:02.000Z"


def test_spans_are_short_and_never_lie_by_a_unit() -> None:
    """59.9 seconds are a minute, not "60s"."""
    shown = [span(seconds) for seconds in (0, 0.04, 9.94, 9.96, 59.4, 59.9, 3_599, 3_600, 86_399, 90_000)]
    assert shown == ["0.0s", "40ms", "9.9s", "10s", "59s", "1m00s", "59m59s", "1h00m", "23h59m", "1d01h"]
