"""Another process on the same store: opens it with so many slots, and obeys one JSON line after the other."""

import asyncio
import json
import sys
from typing import Any

import taxiway


async def obey(tw: taxiway.Taxiway, order: dict[str, Any]) -> Any:
    """Do one order and say what came of it."""
    match order["do"]:
        case "submit":
            return [handle.id for handle in await tw.submit_many(order["tasks"])]
        case "wait":
            return [str((await tw.wait(task, 60)).state) for task in order["tasks"]]
        case "events":
            return [str(event.type) async for event in tw.events(order["task"])]
        case "lane":
            return (await tw.set_lane(order["name"], order["size"])).size
        case "cancel":
            return str((await tw.cancel(order["task"])).state)
        case "runner":
            return tw.runner
    raise AssertionError(order)


async def main(path: str, slots: int) -> None:
    """Until the orders end."""
    loop = asyncio.get_running_loop()
    async with taxiway.open(path, slots=slots, main_size=64, project="", actor="neighbour") as tw:
        print(json.dumps("open"), flush=True)
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            print(json.dumps(await obey(tw, json.loads(line))), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
