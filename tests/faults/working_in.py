"""A process that works in a workspace and leaves it, until it is killed: ``working_in.py FOLDER REPO TOKEN``."""

import asyncio
import os
import sys
from pathlib import Path

from tests.engine.repositories import Shop


async def main() -> None:
    """Say ``made``, then the token once it is written into the workspace, then ``left``."""
    folder, repo, token = sys.argv[1:]
    shop = Shop(Path(folder))
    claim = shop.claim(repo)
    async with shop.workshop.work_in(claim) as made:
        print("made", flush=True)
        path = Path(made.path, token)
        path.write_text(token)
        print(token, flush=True)
    await shop.workshop.leave(claim)
    print("left", flush=True)
    os._exit(0)


asyncio.run(main())
