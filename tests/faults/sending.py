"""Sends messages to sessions of every mode, and controls them, until it is killed: ``sending.py STORE SEED``.

Says ``sent ID`` for each message that was accepted, as soon as it knows, and ``full`` for each that was refused.
"""

import asyncio
import os
import random
import sys

import taxiway

SESSIONS = {
    "queue": {"mode": "queue", "cap": 4, "drop": "new"},
    "old": {"mode": "followup", "cap": 3, "drop": "old"},
    "collect": {"mode": "collect", "cap": 5, "drop": "summarize", "debounce": 0.1},
    "steer": {"mode": "steer", "cap": 5, "drop": "old"},
    "interrupt": {"mode": "interrupt"},
}


async def main(path: str, seed: int) -> None:
    """Never ends by itself."""
    chance = random.Random(seed)
    async with taxiway.open(path, slots=0, project="") as tw:
        boxes = [await tw.session(key, agent="fake", mailbox=policy) for key, policy in SESSIONS.items()]
        while True:
            await _do(chance, chance.choice(boxes))
            await asyncio.sleep(chance.uniform(0, 0.05))


async def _do(chance: random.Random, box: taxiway.SessionHandle) -> None:
    what = chance.random()
    if what < 0.04:
        await box.stop_all()
    elif what < 0.08:
        await box.reset(discard=chance.random() < 0.5)
    elif what < 0.12:
        await box.stop()
    else:
        try:
            sent = await box.send(chance.choice(("short", "short", "long")))
        except taxiway.Full:
            os.write(1, b"full\n")
        else:
            os.write(1, f"sent {sent.task.id}\n".encode())


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
