"""Starting children (``benchmarks.child``) and hearing what they measured."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
LINE_BYTES_MAX = 16 << 20
ANSWER_S_MAX = 300


class Child:
    """One child process; it says one line of JSON at a time."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def line(self) -> dict[str, Any]:
        """The next thing it says."""
        assert self._process.stdout is not None
        async with asyncio.timeout(ANSWER_S_MAX):
            text = await self._process.stdout.readline()
        if not text:
            raise RuntimeError(f"the child ended with {await self._process.wait()} and said nothing")
        answer: dict[str, Any] = json.loads(text)
        return answer

    def go(self) -> None:
        """Let it begin."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"go\n")

    async def kill(self) -> None:
        """End it as a power cut would."""
        self._process.kill()
        await self._process.wait()

    async def close(self) -> None:
        """Let it end by itself."""
        if self._process.returncode is None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            await self._process.wait()


@asynccontextmanager
async def child(
    role: str, folder: Path, argument: object, environment: Mapping[str, str] | None = None
) -> AsyncIterator[Child]:
    """A child in ``role``, gone at the end of the block."""
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "benchmarks.child",
        role,
        str(folder),
        str(argument),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=LINE_BYTES_MAX,
        env={**os.environ, "PYTHONPATH": path, **(environment or {})},
    )
    found = Child(process)
    try:
        yield found
        await found.close()
    finally:
        if process.returncode is None:
            await found.kill()
