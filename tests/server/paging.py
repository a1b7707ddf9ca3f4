"""Reading a list to its end, while something happens between its pages."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx


async def every_page(
    client: httpx.AsyncClient,
    path: str,
    meanwhile: Callable[[], Awaitable[Any]] | None = None,
    **query: Any,
) -> list[dict[str, Any]]:
    """All items of a list."""
    found: list[dict[str, Any]] = []
    cursor: Any = None
    while True:
        asked = query | ({} if cursor is None else {"cursor": cursor})
        page = (await client.get(path, params=asked)).json()
        found += page["items"]
        if meanwhile is not None:
            await meanwhile()
        if page["cursor"] is None:
            return found
        cursor = page["cursor"]
