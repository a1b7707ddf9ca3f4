"""A stub model for each test, asked in each dialect, streaming and whole."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.stub_model.clients import CLIENTS, Answer, Client, Json, Said, post
from tests.stub_model.server import StubModel


@pytest.fixture
async def stub() -> AsyncIterator[StubModel]:
    """A stub model that serves."""
    async with StubModel() as serving:
        yield serving


@pytest.fixture(params=CLIENTS, ids=lambda client: client.name)
def client(request: pytest.FixtureRequest) -> Client:
    """A client of each dialect."""
    found: Client = request.param
    return found


@pytest.fixture(params=[True, False], ids=["streaming", "whole"])
def stream(request: pytest.FixtureRequest) -> bool:
    """Streaming and whole."""
    found: bool = request.param
    return found


class Talk:
    """A conversation of one client with the stub."""

    def __init__(self, stub: StubModel, client: Client, stream: bool, prompt: str, **more: Any) -> None:
        self._stub, self._client, self._stream = stub, client, stream
        self.body: Json = client.ask(prompt, stream, **more)

    async def send(self) -> Answer:
        """Ask, and take the answer as it is."""
        return await post(self._stub.url, self._client.path(self._stream), self.body)

    async def turn(self) -> Said:
        """Ask, understand, and add the turn to the history."""
        answer = await self.send()
        assert answer.status == 200, answer.body
        said = self._client.understand(answer, self._stream)
        self.body = self._client.went_on(self.body, said)
        return said
