"""A whole Taxiway process that can be killed: opens a store, says who it is, and works until its input ends.

``worker.py STORE SETTINGS`` with the settings as JSON; ``host`` makes it believe that it runs on another machine, and
``die_before_go`` has it killed between the two steps of its first start. Its job ``fork`` leaves a child that never
becomes another program, and that lives until somebody writes into the pipe it is given.
"""

import asyncio
import json
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

import msgspec

import taxiway
from taxiway import app
from taxiway.core.agent import AgentKind
from taxiway.core.errors import LeaseLost
from taxiway.store.sqlite import transactor


def fork(pipe: str) -> int:
    """Leave a child behind; its number."""
    child = os.fork()
    if child == 0:
        os.close(1)  # else whoever waits for this process would wait for the child
        Path(pipe).read_bytes()
        os._exit(0)
    return child


async def main(path: str, settings: dict) -> None:
    """Work until the input ends."""
    host, die_before_go = settings.pop("host", None), settings.pop("die_before_go", False)
    if host is not None:
        app.socket.gethostname = lambda: host
    settings["agents"] = msgspec.convert(settings.pop("agents", {}), dict[str, AgentKind])
    transactor.LOCK_WAIT_S_MAX = settings.pop("lock_wait_s", transactor.LOCK_WAIT_S_MAX)
    jobs = {"fork": fork}
    async with taxiway.open(path, main_size=64, project="", jobs=jobs, **settings) as tw:
        if die_before_go:
            started = tw.store.started

            async def last_act(run, fence, mark):
                await started(run, fence, mark)
                os.kill(os.getpid(), signal.SIGKILL)

            tw.store.started = last_act
        print(json.dumps({"runner": tw.runner}), flush=True)
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        await reader.read()


if __name__ == "__main__":
    with suppress(LeaseLost):
        asyncio.run(main(sys.argv[1], json.loads(sys.argv[2])))
        sys.exit(0)
    print(json.dumps({"error": "lease lost"}), flush=True)
    sys.exit(3)
