"""What runs are told while they live: words for a turn, an interrupt, a stop; each with its receipt."""

from __future__ import annotations

from http import HTTPMethod
from typing import Annotated, Final

import msgspec

from taxiway.core.limits import LIST_PAGE_DEFAULT
from taxiway.core.session import Signal
from taxiway.core.token import TokenScope
from taxiway.server.endpoint import Call, Endpoint, Reply, object_of, ref
from taxiway.server.reach import Reach
from taxiway.wire.documents import receipt_document, signal_document

PAGE_MAX: Final = 100


class NewSignal(msgspec.Struct, frozen=True):
    """`turn` and `steer` bring words (`text`): for the next turn of the run's session, or for the one under way; `stop`
    and `interrupt` end the run."""

    kind: Signal
    text: Annotated[str, msgspec.Meta(min_length=1)] | None = None


class Steer(msgspec.Struct, frozen=True):
    """What to say."""

    text: str


class SignalsQuery(msgspec.Struct, frozen=True):
    """A page of what a run was told: what has a higher number than ``after``, in order."""

    after: Annotated[int, msgspec.Meta(ge=0, le=1 << 53)] = 0
    limit: Annotated[int, msgspec.Meta(ge=1, le=PAGE_MAX)] = LIST_PAGE_DEFAULT


async def tell(call: Call) -> Reply:
    """Tell a live run something: how far that got at once. The run's log, and its list of signals, say what becomes of
    it; `message` is the task that words became."""
    asked: NewSignal = call.body
    return Reply(receipt_document(await call.tw.signal(call.path["run"], asked.kind, asked.text)), 201)


async def page(call: Call) -> Reply:
    """What a run was told, in order; ``cursor`` is the number to go on behind."""
    asked: SignalsQuery = call.query
    found = await call.tw.signals(call.path["run"], asked.after, asked.limit)
    cursor = found[-1].seq if found else asked.after
    return Reply({"items": [signal_document(one) for one in found], "cursor": cursor})


async def receipt(call: Call) -> Reply:
    """How far an instruction got, by its id or by that of the message that it brings."""
    return Reply(receipt_document(await call.tw.store.receipt(call.path["signal"])))


async def steer(call: Call) -> Reply:
    """Words for the live turn of an agent's task, and how far they got at once; what its session's turn does not take
    is the next turn."""
    return Reply(receipt_document(await call.tw.steer(call.path["task"], call.body.text, 0)))


async def interrupt(call: Call) -> Reply:
    """Have the live turn of an agent's task ended; its conversation stays."""
    return Reply(receipt_document(await call.tw.interrupt(call.path["task"], 0)))


async def cancel(call: Call) -> Reply:
    """Take back what no turn has taken yet; what is settled stays as it is."""
    return Reply(signal_document(await call.tw.cancel_signal(call.path["signal"])))


ENDPOINTS: Final = (
    Endpoint(
        method=HTTPMethod.POST,
        path="/runs/{run}/signals",
        scope=TokenScope.OPERATOR,
        handler=tell,
        summary="Tell a run something",
        body=NewSignal,
        large=True,
        answer=ref("Receipt"),
        status=201,
        reach=Reach.RUN_BELOW,
        admits=True,
    ),
    Endpoint(
        method=HTTPMethod.GET,
        path="/runs/{run}/signals",
        scope=TokenScope.VIEWER,
        handler=page,
        summary="What a run was told",
        query=SignalsQuery,
        answer=object_of(items={"type": "array", "items": ref("RunSignal")}, cursor={"type": "integer"}),
        reach=Reach.RUN,
    ),
    Endpoint(
        method=HTTPMethod.POST,
        path="/tasks/{task}/steer",
        scope=TokenScope.OPERATOR,
        handler=steer,
        summary="Steer a live turn",
        body=Steer,
        large=True,
        answer=ref("Receipt"),
        reach=Reach.BELOW,
        admits=True,
    ),
    Endpoint(
        method=HTTPMethod.POST,
        path="/tasks/{task}/interrupt",
        scope=TokenScope.OPERATOR,
        handler=interrupt,
        summary="Interrupt a live turn",
        answer=ref("Receipt"),
        reach=Reach.BELOW,
    ),
    Endpoint(
        method=HTTPMethod.GET,
        path="/signals/{signal}",
        scope=TokenScope.VIEWER,
        handler=receipt,
        summary="How far an instruction got",
        answer=ref("Receipt"),
    ),
    Endpoint(
        method=HTTPMethod.POST,
        path="/signals/{signal}/cancel",
        scope=TokenScope.OPERATOR,
        handler=cancel,
        summary="Take a signal back",
        answer=ref("RunSignal"),
    ),
)
