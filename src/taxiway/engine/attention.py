"""What people should know of a run that is on its way: that its turn stands still."""

from __future__ import annotations

from typing import Final

from taxiway.core.event import EventType
from taxiway.core.readiness import Obstacle, ObstacleKind
from taxiway.core.run import RunState
from taxiway.engine.watching import STUCK
from taxiway.store.protocol import Store

EVENTS_READ: Final = 50  #: from the end of a log: behind a word of standing still there is little


async def noted(store: Store, task: str) -> list[Obstacle]:
    """What was noted last of the task's present turn, unless that has got on since."""
    runs = await store.runs(task)
    if not runs or runs[-1].state is RunState.ENDED:
        return []
    events = await store.events(runs[-1].id, max(0, runs[-1].events - EVENTS_READ), EVENTS_READ)
    for event in reversed(events):
        if event.type is EventType.STATUS and event.data.get("phase") == STUCK:
            if "text" in event.data:
                text = f"its turn stands still {event.data['text']}; {_done(event.data)}"
                return [Obstacle(ObstacleKind.STUCK, text, since=event.at - int(event.data.get("for_s", 0) * 1000))]
            if event.data.get("over"):
                return []
    return []


def _done(data: dict[str, object]) -> str:
    done = f"what was done about it: {data.get('action')}"
    return f"{done}, left out because {data['skipped']}" if "skipped" in data else done
