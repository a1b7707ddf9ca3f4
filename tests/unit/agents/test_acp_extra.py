"""The official SDK is an extra: who has no agent that speaks ACP needs none of it."""

import subprocess
import sys

import pytest

from taxiway.agents.acp import AcpAgent
from taxiway.agents.adapters import driver_of
from taxiway.agents.dialogue import Opening
from taxiway.agents.process import ProcessAgent
from taxiway.agents.protocol import SpawnFailure
from taxiway.core.agent import Abilities, Adapter, AgentKind

OPENCODE = AgentKind(adapter=Adapter.ACP, command=("opencode", "acp"))
GEMINI = AgentKind(adapter=Adapter.ACP, command=("gemini", "--acp"))


async def test_without_the_sdk_an_agent_says_which_extra_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sentence that says what would be right, before any process is made."""
    for name in [name for name in sys.modules if name.startswith("taxiway.agents.acp_")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "acp", None)
    opened = await AcpAgent(OPENCODE, ProcessAgent()).open(Opening(cwd="/", env={}, tag="t"))
    assert isinstance(opened, SpawnFailure)
    assert "install 'taxiway[acp]'" in opened.text
    assert not opened.passing


def test_the_adapters_are_known_without_the_sdk() -> None:
    """The driver of an agent costs no import: that comes with its first process."""
    program = (
        "import sys; from taxiway.agents.adapters import driver_of; from taxiway.core.agent import *;"
        "driver_of(AgentKind(adapter=Adapter.ACP, command=('x',)), None).abilities;"
        "assert not {'acp', 'pydantic'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_what_is_claimed_of_an_agent_before_it_runs() -> None:
    """ACP has no steer; Gemini cannot go on with a conversation in another process."""
    abilities = [driver_of(kind, ProcessAgent()).abilities for kind in (OPENCODE, GEMINI)]
    common = {"interrupt": True, "approvals": True, "usage": True, "rate_limits": True}
    assert abilities == [Abilities(resume=True, **common), Abilities(resume=False, **common)]
