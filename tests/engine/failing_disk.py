"""A program whose disk fails while it runs a task: it tells how its block ended, as one JSON line."""

import asyncio
import json
import resource
import sys
from pathlib import Path

import taxiway

FLOOD = "echo up; read _ < '{gate}'; head -c 8000000 /dev/urandom; sleep 300"


async def main(how: str, path: Path, gate: str) -> None:
    """Run a task, break the disk, let the task write."""
    told: dict[str, object] = {"error": None}
    try:
        async with taxiway.open(path, slots=2, project="", term_grace_s=1.0) as tw:
            quiet = await tw.submit(shell="echo up; setsid sleep 300 & sleep 300")
            handle = await tw.submit(shell=FLOOD.format(gate=gate))
            for started in (quiet, handle):
                async for event in started.events():
                    if "up" in event.data.get("text", ""):
                        break
            told["tags"] = [run.process.tag for task in (quiet, handle) for run in await task.runs() if run.process]
            if how == "limit":
                size = max(found.stat().st_size for found in path.parent.glob(path.name + "*") if found.is_file())
                resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100_000, size + 100_000))
            with open(gate, "w") as opened:
                opened.write("go\n")
            await handle.wait(60)
    except Exception as error:
        told |= {"error": type(error).__name__, "message": str(error), "text": repr(error)}
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3]))
