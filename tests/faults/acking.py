"""Submits one task after the other and says which were acknowledged, until it is killed: ``acking.py STORE``."""

import asyncio
import os
import sys

import taxiway


async def main(path: str) -> None:
    """Never ends by itself."""
    async with taxiway.open(path, slots=2, main_size=64, project="") as tw:

        async def submit_on(lead: str) -> None:
            number = 0
            while True:
                number += 1
                handle = await tw.submit(command=["true"], idempotency_key=f"{lead}-{os.getpid()}-{number}")
                os.write(1, f"{handle.id}\n".encode())

        async with asyncio.TaskGroup() as group:
            for lead in "abcd":
                group.create_task(submit_on(lead))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
