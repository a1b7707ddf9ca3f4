"""Programs made for people at a terminal are driven on one: shells, a REPL, a full-screen agent, and hostile ones."""

import asyncio
import os
import re
import resource
import secrets
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from taxiway.agents.dialogue import Interrupt, Opening, Ready, Said, Steer, SteerSettled, Turn, TurnEnded
from taxiway.agents.guardian.tree import descendants
from taxiway.agents.protocol import Ended, Go, How, Output
from taxiway.agents.pty import PtyAgent, PtyDialogue
from taxiway.core.agent import Adapter, AgentKind
from taxiway.core.event import EventType
from taxiway.core.task import Reason
from tests.faults.conftest import ZOO

SHELL = {"command": ("bash", "--norc", "--noprofile", "-i"), "ready": r"\$ $|# $"}
REPL = {"command": (sys.executable, "-i", "-q"), "ready": r"^(>>>|\.\.\.) $"}
AT_A_TERMINAL = {"command": (sys.executable, "-I", "-S", str(ZOO / "at_a_terminal.py")), "ready": "^> $"}
FULLSCREEN = {"command": (sys.executable, "-I", "-S", str(ZOO / "fullscreen.py")), "ready": "^  ready$"}

Start = Callable[..., Awaitable[PtyDialogue]]


@pytest.fixture
async def start(zoo) -> AsyncIterator[Start]:
    """Opens a program on a terminal and waits until it is ready; ends it when the test is over."""
    opened: list[PtyDialogue] = []

    async def start(wait: bool = True, env: dict[str, str] | None = None, **kind: Any) -> PtyDialogue:
        agent = PtyAgent(AgentKind(adapter=Adapter.PTY, **kind), zoo.agent)
        tag = f"test-{secrets.token_hex(6)}"
        zoo.tags.add(tag)
        environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "PS1": "$ ", "HOME": "/nonexistent"} | (env or {})
        dialogue = await agent.open(Opening(cwd="/tmp", env=environment, tag=tag, lease_s=600))
        assert isinstance(dialogue, PtyDialogue), dialogue
        opened.append(dialogue)
        await dialogue.send(Go())
        if wait:
            assert await heard(dialogue) == Ready()
        return dialogue

    yield start
    for dialogue in opened:
        await dialogue.close(How.KILL)
        ended = await finished(dialogue)
        assert ended.certain or ended.lost


async def heard(dialogue: PtyDialogue, raw: bytearray | None = None, within: float = 20) -> Any:
    """The next event that is neither output nor a message; a turn's text is what the message said."""
    message = ""
    async with asyncio.timeout(within):
        while isinstance(event := await dialogue.next(), Output | Said):
            if isinstance(event, Said):
                assert event.type is EventType.MESSAGE
                message += event.data["text"]
            elif raw is not None:
                assert event.stream == "pty"
                raw += event.data
    assert not isinstance(event, TurnEnded) or (event.text or "") == message
    return event


async def said(dialogue: PtyDialogue, text: str) -> str:
    """What the program answers to one turn that ends well."""
    await dialogue.send(Turn(text))
    ended = await heard(dialogue)
    assert isinstance(ended, TurnEnded), ended
    assert (ended.reason, ended.interrupted) == (None, False)
    assert ended.text is not None
    return ended.text


async def finished(dialogue: PtyDialogue) -> Ended:
    """How the process ended."""
    async with asyncio.timeout(20):
        while not isinstance(event := await dialogue.next(), Ended):
            pass
    return event


async def test_a_shell_takes_turn_after_turn_and_its_answers_are_what_it_printed(start: Start) -> None:
    """Semantics, "Processes": one warm process; echo and prompt are no part of an answer, long lines are one line."""
    shell = await start(**SHELL)
    assert await said(shell, "echo hello") == "hello"
    assert await said(shell, "echo hello") == "hello"
    assert await said(shell, "seq 1 12000") == "\n".join(map(str, range(1, 12001)))
    assert await said(shell, f"echo {'x' * 500}") == "x" * 500
    assert await said(shell, "true") == ""
    assert await said(shell, "cd /; pwd; echo 漢字 é ก็") == "/\n漢字 é ก็"
    assert await said(shell, "printf 'no line end'") == "no line end"


async def test_a_text_of_several_lines_is_one_input_where_the_program_takes_pastes(start: Start) -> None:
    """CWE-150: bracketed paste; what is inside cannot end the paste, press keys or give commands."""
    shell = await start(**SHELL)
    assert await said(shell, "for i in 1 2; do\n  echo line $i\ndone") == "line 1\nline 2"
    hostile = "echo 'a\x1b[201~b\x03c\x04d\re'"
    assert await said(shell, hostile) == "a[201~bcd\ne"
    assert await said(shell, "echo still here") == "still here"


async def test_a_program_without_pastes_is_typed_to_line_by_line(start: Start) -> None:
    """The answer then begins with the first line, because each is submitted as it comes."""
    repl = await start(**REPL)
    assert await said(repl, "6 * 7") == "42"
    defined = await said(repl, "def double(x):\n  return x * 2\n")
    assert "def double(x):" in defined
    assert await said(repl, "double(21)") == "42"
    assert await said(repl, "import time; time.sleep(1); print('late')") == "late"


async def test_without_a_pattern_silence_is_the_end_of_a_turn(start: Start) -> None:
    """The agent's `quiet`: it counts from the last word, so a slow answer is not cut short by a fast one."""
    repl = await start(command=REPL["command"], quiet_s=0.6)
    began = time.monotonic()
    assert await said(repl, "import time\nfor i in range(5): time.sleep(0.3); print(i)\n") != ""
    assert time.monotonic() - began > 1.5
    assert await said(repl, "1 + 1") == "2"


async def test_a_full_screen_agent_is_answered_and_read(start: Start) -> None:
    """Terminal queries: it waits for the cursor's place, the device's identity and a colour before it draws."""
    agent = await start(**FULLSCREEN)
    assert await said(agent, "hello") == "> hello\n* done: HELLO"
    assert await said(agent, "two\nlines") == "> two/lines\n* done: TWO/LINES"
    await agent.send(Turn("\x04"))  # Ctrl-D is a control character, not a text: it never arrives
    assert (await heard(agent)).text == ">\n* done:"


async def test_an_interrupt_is_escape_for_who_reads_keys_and_ctrl_c_for_the_rest(start: Start) -> None:
    """Dialogue: the turn ends, the conversation goes on."""
    for kind, text, after, answer in (
        (FULLSCREEN, "a long task", "again", "> again\n* done: AGAIN"),
        (SHELL, "sleep 60", "echo again", "again"),
        (REPL, "while True: pass\n", "3", "3"),
    ):
        agent = await start(**kind)
        await agent.send(Turn(text))
        while not isinstance(await agent.next(), Output):
            pass
        with pytest.raises(TimeoutError):
            await heard(agent, within=0.7)
        await agent.send(Interrupt())
        ended = await heard(agent, within=5)
        assert isinstance(ended, TurnEnded), ended
        assert (ended.interrupted, ended.reason) == (True, None)
        assert await said(agent, after) == answer
        assert await agent.clear()


async def test_an_interrupt_before_the_text_was_submitted_leaves_no_reusable_process(start: Start) -> None:
    """I14: what was typed may still stand in its input, and must not join the next turn."""
    shell = await start(**SHELL)
    await shell.send(Turn("echo never"))
    await shell.send(Interrupt())
    ended = await heard(shell)
    assert isinstance(ended, TurnEnded)
    assert ended.interrupted
    assert await shell.clear() is False


async def test_a_program_sees_a_real_terminal_of_the_size_that_was_asked_for(start: Start) -> None:
    """A real pseudo-terminal, window size, resize; COLUMNS of the runner's own terminal would lie."""
    program = await start(**AT_A_TERMINAL, columns=97, rows=31, env={"COLUMNS": "7", "LINES": "7", "TERM": "dumb"})
    screen = program._terminal.screen
    assert screen.text_of(0) == "True True True True True xterm-256color False"
    assert screen.text_of(1) == "size 97x31"
    raw = bytearray()
    await program.resize(60, 20)
    async with asyncio.timeout(5):
        while b"size 60x20\r\n" not in raw:
            event = await program.next()
            assert isinstance(event, Output)
            raw += event.data
    assert (screen.columns, screen.rows) == (60, 20)


async def test_asking_for_the_end_is_the_window_closing(start: Start) -> None:
    """B14, B22: SIGHUP, so a shell ends at once, which ignores SIGTERM at its prompt."""
    program = await start(**AT_A_TERMINAL)
    await program.close(How.ASK)
    raw = bytearray()
    ended = await heard(program, raw)
    assert ended == Ended(exit_code=4)
    assert raw.endswith(b"the window closes\r\n")
    shell = await start(**SHELL)
    await shell.close(How.ASK)
    began = time.monotonic()
    assert (await finished(shell)).signal == 1
    assert time.monotonic() - began < 3


async def test_the_programs_own_end_ends_the_turn(start: Start) -> None:
    """Dialogue: Ended stands for both, again and again; its last words are told, and what comes later does nothing."""
    shell = await start(**SHELL)
    await shell.send(Turn("echo farewell; exec sh -c 'exit 3'"))
    while not isinstance(event := await shell.next(), Said):
        assert isinstance(event, Output), event
    assert event == Said(EventType.MESSAGE, {"text": "farewell"})
    assert await heard(shell) == Ended(exit_code=3)
    assert await shell.next() == Ended(exit_code=3)
    await shell.send(Turn("echo late"))
    await shell.send(Interrupt())
    assert await shell.next() == Ended(exit_code=3)


async def test_what_a_turn_left_running_is_gone_and_the_shell_goes_on(start: Start) -> None:
    """Semantics, "Processes": background jobs, and what left the terminal."""
    shell = await start(**SHELL)
    await said(shell, "sleep 300 & setsid sleep 300 & (setsid sh -c 'sleep 300; true' < /dev/null &)")
    assert await shell.clear()
    assert "on" in (await said(shell, "jobs -r; echo on")).splitlines()
    assert [one.name for one in descendants(shell.mark.guardian_pid)] == ["bash"]


async def test_a_program_that_closes_its_streams_and_opens_the_terminal_again_is_still_heard(start: Start) -> None:
    """Fault 26: an end of all copies is no end of the terminal while the tree lives."""
    program = await start(
        wait=False, command=("sh", "-c", "exec <&- >&- 2>&-; sleep 0.3; echo back > /dev/tty; exit 6"), quiet_s=60
    )
    raw = bytearray()
    assert await heard(program, raw) == Ended(exit_code=6)
    assert raw == b"back\r\n"


async def test_the_last_words_of_a_program_are_kept(start: Start) -> None:
    """DB13: 60,000 bytes in the kernel's buffers when the program is gone."""
    text = "import os; os.write(1, b'x' * 60000 + b'end'); os._exit(0)"
    program = await start(wait=False, command=(sys.executable, "-I", "-c", text), quiet_s=60)
    await asyncio.sleep(0.5)
    raw = bytearray()
    assert await heard(program, raw) == Ended(exit_code=0)
    assert raw == b"x" * 60000 + b"end"


@pytest.mark.timeout(300)
async def test_a_flood_through_the_terminal_costs_little_memory_and_leaves_the_loop_free(start: Start) -> None:
    """Fault 31, I18: 100 MB, every byte, and others have their turn all the time."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    flood = f"yes {'x' * 98} | head -c 99000000"
    program = await start(wait=False, command=("sh", "-c", flood), quiet_s=60)
    seen, pauses, last = 0, [], time.monotonic()

    def tick() -> None:
        nonlocal last
        pauses.append(time.monotonic() - last)
        last = time.monotonic()
        loop.call_later(0.005, tick)

    loop = asyncio.get_running_loop()
    loop.call_soon(tick)
    while isinstance(event := await program.next(), Output):
        seen += len(event.data)
    assert (seen, event) == (99_000_000 + 1_000_000, Ended(exit_code=0))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # KiB
    assert sorted(pauses)[len(pauses) * 99 // 100] < 0.5
    assert program._terminal.screen.scrolled_chars <= 256 << 10


async def test_a_program_that_floods_questions_and_reads_no_answers_is_answered_within_bounds(start: Start) -> None:
    """I18: and it is ended like any other."""
    program = await start(
        wait=False, command=("sh", "-c", "stty raw -echo; yes '\x1b[6n' | head -c 500000; sleep 60"), quiet_s=60
    )
    seen = 0
    while seen < 500_000:
        event = await asyncio.wait_for(program.next(), 30)
        assert isinstance(event, Output), event
        seen += len(event.data)
        assert program._process.unread < 128 << 10


async def test_a_program_that_ignores_everything_keeps_its_turn_until_it_is_ended(start: Start) -> None:
    """I6, B15: neither text nor interrupt ends what never shows a prompt again; KILL does."""
    program = await start(
        command=("sh", "-c", "trap '' INT TERM HUP QUIT; printf 'go> '; while :; do sleep 1; done"), ready="^go> $"
    )
    await program.send(Turn("hello"))
    with pytest.raises(TimeoutError):
        await heard(program, within=1)
    await program.send(Interrupt())
    with pytest.raises(TimeoutError):
        await heard(program, within=1)
    for how in (How.ASK, How.TERM):
        await program.close(how)
        with pytest.raises(TimeoutError):
            await heard(program, within=0.3)
    await program.close(How.KILL)
    assert (await finished(program)).signal == 9


async def test_a_program_that_never_reads_takes_a_long_text_without_blocking_anybody(start: Start) -> None:
    """I18: sending returns at once, the turn stays open, and the process can be ended."""
    program = await start(command=("sh", "-c", "stty raw -echo; printf 'go> '; exec sleep 60"), ready="^go> $")
    began = time.monotonic()
    await program.send(Turn("x" * 1_000_000))
    assert time.monotonic() - began < 5
    with pytest.raises(TimeoutError):
        await heard(program, within=1)
    await program.close(How.KILL)
    assert (await finished(program)).signal == 9


async def test_a_line_that_the_kernel_would_cut_is_refused_with_the_reason(start: Start) -> None:
    """I14: canonical mode drops what is over 4,095 bytes in silence; raw programs take any length."""
    program = await start(command=("cat",), quiet_s=0.3)
    await program.send(Turn("x" * 4_096))
    ended = await heard(program)
    assert isinstance(ended, TurnEnded)
    assert ended.reason is Reason.AGENT_ERROR
    assert "4096 bytes" in (ended.error or "")
    assert await said(program, "short") == "short"
    shell = await start(**SHELL)
    assert (await said(shell, f"echo {'x' * 20_000} | wc -c")).endswith("\n20001")


async def test_what_a_program_says_is_safe_text(start: Start) -> None:
    """CWE-150: titles, colours, clipboard, device strings and bidirectional tricks do nothing in an answer."""
    shell = await start(**SHELL)
    strings = r"\033]0;owned\007\033[31mred\033[0m \033]52;c;eA==\007\033P1$r\033\\"
    answer = await said(shell, f"printf '{strings} user" + r"\342\200\256gpj.exe \302\233m\n'")
    assert answer == "red  user<U+202E>gpj.exe m"
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", answer)


async def test_a_steer_is_declined_with_the_reason(start: Start) -> None:
    """OC-02: a terminal has no place for it."""
    shell = await start(**SHELL)
    await shell.send(Steer("sig_1", "more"))
    settled = await heard(shell)
    assert isinstance(settled, SteerSettled)
    assert (settled.signal, settled.applied) == ("sig_1", False)


async def test_a_wait_that_is_given_up_loses_nothing_of_a_turn(start: Start) -> None:
    """I14: cancelled every few milliseconds, every event still comes, once."""
    shell = await start(**SHELL)
    await shell.send(Turn("for i in 1 2 3 4 5 6 7 8 9; do echo $i; sleep 0.02; done"))
    raw, ended = b"", None
    while ended is None:
        try:
            event = await asyncio.wait_for(shell.next(), 0.004)
        except TimeoutError:
            continue
        if isinstance(event, Output):
            raw += event.data
        elif isinstance(event, TurnEnded):
            ended = event
    assert ended.text == "\n".join("123456789")
    assert raw.count(b"\r\n9\r\n") == 1


async def test_a_dropped_dialogue_says_that_nobody_knows(start: Start) -> None:
    """I6: the guardian kills the tree by itself."""
    shell = await start(**SHELL)
    shell.drop()
    async with asyncio.timeout(5):
        assert await shell.next() == Ended(certain=False, lost=True)
