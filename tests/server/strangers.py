"""A server that really listens, as `taxiway up` starts it, and strangers who come to it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

import taxiway
from taxiway.server.bounds import Bounds
from taxiway.server.listening import bind, listening
from taxiway.up import application
from tests.server.conftest import FREE
from tests.server.wire import Answer, Wire, connect, head


class Place(NamedTuple):
    """A server, and what opens it."""

    port: int
    token: str
    wires: list[Wire]

    async def connect(self, address: str = "127.0.0.1") -> Wire:
        """A connection to it, from an address of loopback; closed with the place at the latest."""
        wire = await connect(self.port, address)
        self.wires.append(wire)
        return wire


@asynccontextmanager
async def serving(tw: taxiway.Taxiway, token: str, bounds: Bounds) -> AsyncIterator[Place]:
    """A server within these bounds."""
    listener = bind("127.0.0.1", 0)
    port: int = listener.getsockname()[1]
    async with application(tw, rates=FREE) as app, listening(app, listener, bounds):
        place = Place(port, token, [])
        yield place
        for wire in place.wires:
            await wire.close()


async def it_answers(place: Place, address: str = "127.0.0.1") -> None:
    """The server serves an ordinary call on a connection of its own."""
    wire = await place.connect(address)
    await wire.say(head("GET", "/v1/tasks", place.token))
    answer = await wire.hear()
    assert answer is not None
    assert answer.status == 200
    await wire.close()


async def refused(place: Place, sent: bytes, what: str, status: int | None = None) -> Answer:
    """It is refused with a problem, and the server goes on."""
    wire = await place.connect()
    await wire.say(sent)
    answer = await wire.hear()
    assert answer is not None, what
    assert 400 <= answer.status < 500, (what, answer)
    assert status in (None, answer.status), (what, answer)
    assert answer.problem["code"], what
    await it_answers(place)
    return answer
