"""Keys of runners: an invitation makes one of them, and a key that is revoked takes its runners' leases (4.14, I2)."""

from __future__ import annotations

import hashlib

import pytest

from taxiway.core.errors import Exists, LeaseLost, NotFound, Unauthorized
from taxiway.core.readiness import Scope
from taxiway.core.token import TokenScope
from taxiway.store.protocol import NewToken, Runner
from taxiway.testing.conformance.bench import ACTOR, Bench, Suite


class Inviting(Suite):
    """Runners that have no access to the store."""

    async def test_an_invitation_makes_one_key_and_opens_nothing_more(self, bench: Bench) -> None:
        """4.14: who finds a code that has been used has nothing."""
        await bench.store.make_token(_invite(), ACTOR)
        key = await bench.store.redeem_invite("tok_invite", _key("tok_one", b"1"), "box")
        assert (key.scope, key.name) == (TokenScope.RUNNER, "box")
        invite, _ = await bench.store.token("tok_invite")
        assert invite.scope is TokenScope.INVITE
        assert not invite.holds(bench.clock.now_ms())
        with pytest.raises(Unauthorized):
            await bench.store.redeem_invite("tok_invite", _key("tok_two", b"2"), "box")
        assert {one.id for one in await bench.store.tokens()} == {"tok_invite", "tok_one"}

    async def test_the_same_key_for_the_same_invitation_is_the_same_answer(self, bench: Bench) -> None:
        """I4: the first answer may have been lost; another secret under the same id is refused."""
        await bench.store.make_token(_invite(), ACTOR)
        first = await bench.store.redeem_invite("tok_invite", _key("tok_one", b"1"), "box")
        assert await bench.store.redeem_invite("tok_invite", _key("tok_one", b"1"), "box") == first
        with pytest.raises(Unauthorized):
            await bench.store.redeem_invite("tok_invite", _key("tok_one", b"2"), "box")

    async def test_an_invitation_that_is_too_old_makes_nothing(self, bench: Bench) -> None:
        """4.14."""
        await bench.store.make_token(_invite(), ACTOR)
        bench.clock.advance(601)
        with pytest.raises(Unauthorized):
            await bench.store.redeem_invite("tok_invite", _key("tok_one", b"1"), "box")

    async def test_a_key_is_no_invitation(self, bench: Bench) -> None:
        """4.14: a runner makes no further runners."""
        await bench.store.make_token(_key("tok_one", b"1"), ACTOR)
        with pytest.raises(Unauthorized):
            await bench.store.redeem_invite("tok_one", _key("tok_two", b"2"), "box")

    async def test_a_revoked_key_takes_the_leases_of_its_runners(self, bench: Bench) -> None:
        """I2: they neither beat nor claim any more, and the reaper settles what they have; others go on."""
        await bench.store.make_token(_key("tok_one", b"1"), ACTOR)
        await bench.store.register(_runner("runner_far", "tok_one"))
        await bench.submit()
        [run] = await bench.store.claim("runner_far", Scope(), 1)
        await bench.store.revoke_token("tok_one", ACTOR)
        assert not await bench.store.beat("runner_far")
        with pytest.raises(LeaseLost):
            await bench.store.claim("runner_far", Scope(), 1)
        assert {one.id: one.state for one in await bench.store.runners()} == {
            bench.runner: "live",
            "runner_far": "lost",
        }
        assert [one.run for one in await bench.store.live_runs("runner_far")] == [run.run]

    async def test_it_is_known_whose_a_runner_and_a_run_are(self, bench: Bench) -> None:
        """I2: what comes through a server may name only its own."""
        await bench.store.make_token(_key("tok_one", b"1"), ACTOR)
        await bench.store.register(_runner("runner_far", "tok_one"))
        await bench.submit()
        [run] = await bench.store.claim("runner_far", Scope(), 1)
        assert await bench.store.runner_of(run.run) == "runner_far"
        owners = [(await bench.store.runner(one)).token for one in ("runner_far", bench.runner)]
        assert owners == ["tok_one", None]
        for unknown in (bench.store.runner_of("run_none"), bench.store.runner("runner_none")):
            with pytest.raises(NotFound):
                await unknown

    async def test_a_runner_that_registers_again_is_there_once(self, bench: Bench) -> None:
        """I4: its first answer may have been lost; nobody else may take its name."""
        await bench.store.register(_runner("runner_far", "tok_one"))
        await bench.store.register(_runner("runner_far", "tok_one"))
        for other in ("tok_two", None):
            with pytest.raises(Exists):
                await bench.store.register(_runner("runner_far", other))
        with pytest.raises(Exists):
            await bench.store.register(_runner(bench.runner, "tok_two"))
        assert len(await bench.store.runners()) == 2


def _invite() -> NewToken:
    return NewToken(
        id="tok_invite", name="box", scope=TokenScope.INVITE, hash=hashlib.sha256(b"code").digest(), expires_s=600.0
    )


def _key(id: str, secret: bytes) -> NewToken:
    return NewToken(id=id, name="box", scope=TokenScope.RUNNER, hash=hashlib.sha256(secret).digest())


def _runner(id: str, token: str | None) -> Runner:
    return Runner(id=id, host="remote:far", boot_id="b", pid=1, slots=4, token=token)
