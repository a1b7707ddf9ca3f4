"""The SQLite store's verbs on tokens and replies."""

from __future__ import annotations

from taxiway.core.token import Token
from taxiway.store.protocol import Runner
from taxiway.store.sqlite.verbs import SqliteVerbs
from taxiway.store.token_protocol import NewToken, Reply
from taxiway.store.verbs import browsers, runners, tokens
from taxiway.store.writer import Urgency


class SqliteTokens(SqliteVerbs):
    """What a store does for a server, by its writer and its reader."""

    async def make_token(self, new: NewToken, actor: str) -> Token:
        """Store a token."""
        return await self._first(lambda tx: tokens.make(tx, new, actor))

    async def tokens(self) -> list[Token]:
        """Every token."""
        return await self._reader.read(tokens.every)

    async def token(self, id: str) -> tuple[Token, bytes]:
        """A token and the hash of its secret."""
        return await self._reader.whole.read(lambda tx: tokens.found(tx, id))

    async def revoke_token(self, id: str, actor: str) -> Token:
        """It opens nothing any more."""
        return await self._first(lambda tx: tokens.revoke(tx, id, actor))

    async def redeem_invite(self, invite: str, new: NewToken, actor: str) -> Token:
        """A runner's key for an invitation."""
        return await self._first(lambda tx: tokens.redeem(tx, invite, new, actor))

    async def make_link(self, parent: str, new: NewToken, actor: str) -> Token:
        """A link that signs a browser in."""
        return await self._first(lambda tx: browsers.make_link(tx, parent, new, actor))

    async def sign_in(self, link: str, hash: bytes, new: NewToken) -> Token:
        """A browser's token for a link."""
        return await self._serve(lambda tx: browsers.sign_in(tx, link, hash, new))

    async def runner(self, runner: str) -> Runner:
        """One runner."""
        return await self._reader.read(lambda tx: runners.named(tx, runner))

    async def runner_of(self, run: str) -> str:
        """Whose run it is."""
        return await self._reader.read(lambda tx: runners.runner_of(tx, run))

    async def tokens_used(self, used: dict[str, int]) -> None:
        """When tokens were used last."""
        await self._serve(lambda tx: tokens.used(tx, used), Urgency.BULK)

    async def reply(self, key: str, hash: bytes) -> Reply | None:
        """What is known of a mutation under a key."""
        return await self._reader.read(lambda tx: tokens.reply(tx, key, hash))

    async def settle_reply(self, key: str, hash: bytes, reply: Reply) -> None:
        """What it was answered."""
        await self._bulk(lambda tx: tokens.settle_reply(tx, key, hash, reply))

    async def prune_replies(self, older_than_ms: int, limit: int) -> int:
        """Forget old answers."""
        return await self._serve(lambda tx: tokens.prune_replies(tx, older_than_ms, limit), Urgency.BULK)
