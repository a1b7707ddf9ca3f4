"""The process adapter: turns a launch into a guarded process tree (two-step start, I7)."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import sys
import weakref
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Final

from taxiway.agents.conversation import PASSING_ERRNOS, ProcessConversation
from taxiway.agents.forkserver import ForkServer
from taxiway.agents.guardian import wire
from taxiway.agents.protocol import GO_S_MAX, TAG_VARIABLE, Launch, ProcessMark, SpawnFailure
from taxiway.agents.settle import boot_id, pid_namespace
from taxiway.agents.streams import make_streams

BIRTH_S_MAX: Final = 10.0
BIRTH_TRIES: Final = 2  # a fork server that died with a request in its queue is replaced, and the request made again
NOT_LINUX: Final = (
    "processes need Linux: without sub-reapers and pidfds nobody could promise that a cancelled program is gone"
)


class ProcessAgent:
    """Runs programs. One per runner: it holds the warm fork server."""

    def __init__(self) -> None:
        """Starts nothing; the fork server comes with the first launch."""
        self._server = ForkServer()
        self._conversations: weakref.WeakSet[ProcessConversation] = weakref.WeakSet()
        self._boot_id = boot_id()
        self._pid_namespace = pid_namespace()

    async def open(self, launch: Launch) -> ProcessConversation | SpawnFailure:
        """Make guardian and child, and wait for their report; nothing is executed before the go."""
        if sys.platform != "linux":
            return SpawnFailure(NOT_LINUX)
        try:
            order = _order(launch)
        except ValueError as error:
            return SpawnFailure(f"no program can be given this launch: {error}")
        try:
            for _ in range(BIRTH_TRIES):
                conversation = await self._ask(launch, order)
                if await _born(conversation):
                    return conversation
                conversation.drop()
                if conversation.unborn is not None:
                    return conversation.unborn
        except OSError as error:
            return SpawnFailure(str(error.strerror), error.errno, passing=error.errno in PASSING_ERRNOS)
        return SpawnFailure("the fork server did not answer", errno.EAGAIN, passing=True)

    async def aclose(self) -> None:
        """Drop what is still open, and wait until the guardians have ended those trees (at most 5 s)."""
        for conversation in list(self._conversations):
            conversation.drop()
        await self._server.aclose()

    async def _ask(self, launch: Launch, order: wire.LaunchOrder) -> ProcessConversation:
        """Make socket and streams, and send the far ends to the fork server."""
        with ExitStack() as ours, ExitStack() as theirs:
            control, far_control = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            ours.callback(control.close)
            theirs.callback(far_control.close)
            control.setblocking(False)
            order_fd = os.memfd_create("order", os.MFD_CLOEXEC)
            theirs.callback(os.close, order_fd)
            wire.write_order(order_fd, order)
            streams = make_streams(launch, ours, theirs)
            await self._server.fork([far_control.fileno(), order_fd, *streams.theirs])
            ends = streams.ends(asyncio.get_running_loop())
            ours.pop_all()
        conversation = ProcessConversation(control, ends, self._server, partial(self._mark, launch.tag))
        self._conversations.add(conversation)
        return conversation

    def _mark(self, tag: str, born: Any) -> ProcessMark:
        guardian_pid, guardian_start, child_pid, child_start = born
        return ProcessMark(
            tag=tag,
            guardian_pid=guardian_pid,
            guardian_start=guardian_start,
            child_pid=child_pid,
            child_start=child_start,
            boot_id=self._boot_id,
            pid_namespace=self._pid_namespace,
        )


async def _born(conversation: ProcessConversation) -> bool:
    try:
        async with asyncio.timeout(BIRTH_S_MAX):
            return await conversation.born()
    except TimeoutError:
        return False
    except BaseException:
        conversation.drop()
        raise


def _order(launch: Launch) -> wire.LaunchOrder:
    """The launch in the kernel's terms. Raises ValueError for NUL, lone surrogates, and '=' in names."""
    if not launch.argv:
        raise ValueError("argv is empty")
    env = {_bytes(name): _bytes(value) for name, value in {**launch.env, TAG_VARIABLE: launch.tag}.items()}
    for name in env:
        if not name or b"=" in name:
            raise ValueError(f"variable name {os.fsdecode(name)!r}")
    return wire.LaunchOrder(
        argv=[_bytes(argument) for argument in launch.argv],
        cwd=_bytes(str(Path(launch.cwd).absolute())),
        env=env,
        lease_s=launch.lease_s,
        go_s=GO_S_MAX,
        terminal=launch.window is not None,
    )


def _bytes(text: str) -> bytes:
    encoded = os.fsencode(text)
    if b"\0" in encoded:
        raise ValueError(f"NUL in {text[:80]!r}")
    return encoded
