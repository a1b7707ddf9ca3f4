"""The stub model as a program: `python -m tests.stub_model --port N`. Its first line is its address; SIGTERM ends it.

With `--log FILE` each exchange is a line of JSON there. Over HTTP, `GET /_stub/requests` tells the exchanges,
`POST /_stub/faults` with {"script": "err 529", "seconds": 30} imposes a turn, `DELETE /_stub/faults` lifts it.
"""

import argparse
import asyncio
import json
import signal
from pathlib import Path

from tests.stub_model.record import Exchange
from tests.stub_model.server import StubModel


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(prog="python -m tests.stub_model", description="A stand-in for model services.")
    parser.add_argument("--port", type=int, default=0, help="0: a free one")
    parser.add_argument("--log", type=Path, help="append each exchange to this file, as a line of JSON")
    parser.add_argument("--default", default="say ok", help="what is played for prompts without a script")
    asyncio.run(serve(parser.parse_args()))


async def serve(arguments: argparse.Namespace) -> None:
    """Serve until a signal comes."""

    def log(exchange: Exchange) -> None:
        if arguments.log is not None:
            with arguments.log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(exchange.as_json()) + "\n")

    end = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, end.set)
    async with StubModel(arguments.port, arguments.default, log) as stub:
        print(stub.url, flush=True)
        await end.wait()


if __name__ == "__main__":
    main()
