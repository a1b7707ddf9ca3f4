"""The fake agent as a program: its wire, its memory, its journal, its mischief, and how it behaves on a terminal."""

import fcntl
import json
import os
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from taxiway.agents.protocol import Ended
from taxiway.testing.fakeagent.command import fake_agent_command

WITHIN_S = 20
ON_A_TERMINAL = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY); os.execv(sys.argv[1], sys.argv[1:])"


class Program:
    """One fake agent on pipes, or on a terminal: what it says, piece by piece."""

    def __init__(self, process: subprocess.Popen[bytes], out: int, into: int) -> None:
        self.process = process
        self.out = out
        self.into = into
        self.rest = b""

    def write(self, data: bytes | dict[str, Any]) -> None:
        """Give it input: a message of `lines`, or bytes."""
        os.write(self.into, data if isinstance(data, bytes) else json.dumps(data).encode() + b"\n")

    def read(self, until: bytes) -> bytes:
        """What it says, to the end of ``until``."""
        deadline = time.monotonic() + WITHIN_S
        while until not in self.rest:
            left = deadline - time.monotonic()
            assert select.select([self.out], [], [], max(0, left))[0], f"nothing but {self.rest!r}"
            data = os.read(self.out, 1 << 16)
            assert data, f"it ended after {self.rest!r}"
            self.rest += data
        found, _, self.rest = self.rest.partition(until)
        return found + until

    def heard(self, kind: str) -> dict[str, Any]:
        """The next message of this kind; others are passed over."""
        while (message := json.loads(self.read(b"\n")))["type"] != kind:
            pass
        return message

    def turn(self, text: str) -> str:
        """Take a turn; the text at its end."""
        self.write({"type": "turn", "text": text})
        return self.heard("done").get("text", "")


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Program]]:
    """`start(script, option, …)` starts one on pipes; with ``terminal=True`` on a terminal of its own."""
    programs: list[Program] = []

    def begin(script: dict[str, Any] | None = None, *options: str, terminal: bool = False) -> Program:
        path = tmp_path / f"script-{len(programs)}.json"
        path.write_text(json.dumps(script or {}))
        kept = {"memory": tmp_path / "memory", "journal": tmp_path / "journal"}
        fake = fake_agent_command(path, **kept, protocol="terminal" if terminal else None)
        argv = [*(item for item in fake if isinstance(item, str) and "{" not in item), *options]
        if terminal:
            ours, theirs = os.openpty()
            fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
            argv = [sys.executable, "-c", ON_A_TERMINAL, *argv]
            process = subprocess.Popen(argv, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
            os.close(theirs)
            programs.append(Program(process, ours, ours))
        else:
            process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=tmp_path)
            assert process.stdin is not None
            assert process.stdout is not None
            programs.append(Program(process, process.stdout.fileno(), process.stdin.fileno()))
        return programs[-1]

    yield begin
    for program in programs:
        program.process.kill()
        program.process.wait()
        if program.out == program.into:
            os.close(program.out)
        else:
            assert program.process.stdin is not None
            assert program.process.stdout is not None
            program.process.stdin.close()
            program.process.stdout.close()


def journal(tmp_path: Path) -> list[dict[str, Any]]:
    """What it wrote down."""
    return [json.loads(line) for line in (tmp_path / "journal").read_text().splitlines()]


def test_without_a_script_it_echoes_and_writes_down_what_came(start: Callable[..., Program], tmp_path: Path) -> None:
    """The journal names time, process and conversation for everything that reached it."""
    program = start()
    before = time.time()
    thread = program.heard("thread")["id"]
    assert program.turn("hello\nthere") == "hello\nthere"
    program.write(b"no json\n")
    program.heard("error")
    program.write({"type": "bye"})
    assert program.process.wait(WITHIN_S) == 0
    noted = journal(tmp_path)
    assert [line["what"] for line in noted] == ["start", "turn", "done", "unreadable", "bye"]
    assert {(line["pid"], line["thread"]) for line in noted} == {(program.process.pid, thread)}
    assert all(before - 60 < line["at"] < time.time() + 1 for line in noted)
    assert (noted[0]["resumed"], noted[1]["text"]) == (False, "hello\nthere")


def test_it_loads_nothing_of_taxiway_and_no_yaml_for_a_script_in_json(tmp_path: Path) -> None:
    """Tests start it by the hundred: it costs an interpreter and little else."""
    (tmp_path / "a.json").write_text("{}")
    python, *rest = (str(item) for item in fake_agent_command(tmp_path / "a.json") if "{" not in str(item))
    done = subprocess.run(
        [python, "-X", "importtime", *rest], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=WITHIN_S
    )
    assert done.returncode == 0
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if "|" in line}
    assert "fakeagent.performer" in loaded
    assert loaded & {"taxiway", "msgspec", "yaml", "pytest", "asyncio", "pathlib", "subprocess"} == set()


def test_a_conversation_survives_its_process(start: Callable[..., Program]) -> None:
    """A44: its turns are counted on, and it knows what it was told; also after a kill, and by a steer."""
    script = {"default": [{"sleep": 0.2}, {"say": "{turn}: {told}"}]}
    first = start(script)
    thread = first.heard("thread")["id"]
    first.write({"type": "turn", "turn": 1, "text": "one"})
    first.write({"type": "steer", "turn": 1, "signal": "s", "text": "more"})
    assert first.heard("done")["text"] == "1: one / more"
    first.process.kill()
    second = start(script, f"--thread={thread}")
    assert second.heard("thread")["id"] == thread
    assert second.turn("two") == "2: one / more / two"


@pytest.mark.parametrize("thread", ["unknown", "../../etc/passwd", "-x", ""])
def test_a_conversation_that_is_not_known_is_refused(start: Callable[..., Program], thread: str) -> None:
    """As real agents do it; and an id never leads out of the folder."""
    assert start(None, f"--thread={thread}").process.wait(WITHIN_S) == 3


def test_a_script_that_cannot_be_followed_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    """Every problem is a sentence; the exit status is 2."""
    (tmp_path / "bad.yaml").write_text("default:\n- slep: 1\n- sleep: soon\n")
    argv = [str(item) for item in fake_agent_command(tmp_path / "bad.yaml") if "{" not in str(item)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=WITHIN_S)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("bad.yaml: default[") == 2


def test_steers_are_taken_between_steps_as_the_policy_says(start: Callable[..., Program]) -> None:
    """Accepted, declined with a reason, ignored; one for another turn, and one for no turn, are declined."""
    steps = [{"say": "a"}, {"sleep": 0.2}, {"steers": {"policy": "decline", "why": "no"}}, {"say": "b"}, {"sleep": 0.2}]
    program = start({"turns": [{"turn": 1, "steps": steps, "on_steer": [{"say": "took {steer}"}]}]})
    program.write({"type": "steer", "signal": "s0", "text": "x"})
    assert program.heard("steered") == {
        "type": "steered",
        "signal": "s0",
        "applied": False,
        "why": "no turn is open",
    }
    program.write({"type": "turn", "turn": 7, "text": "go"})
    program.heard("message")
    program.write({"type": "steer", "turn": 6, "signal": "s1", "text": "late"})
    assert program.heard("steered")["why"] == "that turn has ended"
    program.write({"type": "steer", "turn": 7, "signal": "s2", "text": "left"})
    assert program.heard("steered") == {"type": "steered", "signal": "s2", "applied": True}
    assert program.heard("message")["text"] == "took left"
    assert program.heard("message")["text"] == "b"
    program.write({"type": "steer", "turn": 7, "signal": "s3", "text": "right"})
    assert program.heard("steered") == {"type": "steered", "signal": "s3", "applied": False, "why": "no"}
    assert program.heard("done")["turn"] == 7


def test_at_the_end_of_its_input_it_finishes_what_is_open(start: Callable[..., Program], tmp_path: Path) -> None:
    """So that it can be used in a pipe; a bye ends the turn at once."""
    program = start({"default": [{"sleep": 0.2}, {"say": "x"}], "end": [{"exit": 5}]})
    program.write({"type": "turn", "text": "go"})
    assert program.process.stdin is not None
    program.process.stdin.close()
    assert program.heard("done")["text"] == "x"
    assert program.process.wait(WITHIN_S) == 5
    other = start({"default": [{"say": "x"}, {"sleep": "1h"}]})
    other.write({"type": "turn", "text": "go"})
    other.heard("message")
    other.write({"type": "bye"})
    assert other.process.wait(WITHIN_S) == 0


@pytest.mark.parametrize(
    ("step", "status"),
    [({"exit": 3}, 3), ("crash", -signal.SIGSEGV), ({"crash": "SIGKILL"}, -9), ({"crash": "SIGTERM"}, -15)],
)
def test_it_ends_as_it_is_told(start: Callable[..., Program], step: Any, status: int) -> None:
    """An exit status or a signal, also one that it ignores."""
    program = start({"default": [{"ignore": ["SIGTERM", "SIGINT"]}, step, {"say": "never"}]})
    program.write({"type": "turn", "text": "go"})
    assert program.process.wait(WITHIN_S) == status


def test_what_it_ignores_does_not_end_it(start: Callable[..., Program]) -> None:
    """SIGTERM and SIGINT; without that both do."""
    program = start({"start": [{"ignore": ["SIGTERM", "SIGINT"]}], "default": [{"say": "alive"}]})
    program.heard("ready")
    program.process.send_signal(signal.SIGTERM)
    program.process.send_signal(signal.SIGINT)
    assert program.turn("x") == "alive"
    for number in (signal.SIGTERM, signal.SIGINT):
        other = start()
        other.heard("ready")
        other.process.send_signal(number)
        assert other.process.wait(WITHIN_S) == -number


async def test_what_it_leaves_behind_lives_on_and_is_ended_by_its_guardian(zoo: Any, tmp_path: Path) -> None:
    """I6: a daemon in a session of its own that holds the pipes, deaf to SIGTERM, and a child; all gone at the end."""
    steps = [{"daemon": {"deaf": True}}, {"daemon": {"holds": False}}, {"child": {"seconds": "1h"}}, {"exit": 0}]
    (tmp_path / "a.json").write_text(json.dumps({"start": steps}))
    argv = [str(item) for item in fake_agent_command(tmp_path / "a.json", journal=tmp_path / "journal")]
    finished = await zoo.run(*(item for item in argv if "{" not in item))
    left = [line for line in journal(tmp_path) if line["what"] == "left"]
    assert len({line["left"] for line in left}) == 3
    assert finished.ended == Ended(exit_code=0, leftovers=3)


@pytest.mark.parametrize("to", ["stdout", "stderr"])
async def test_a_flood_has_the_size_that_was_asked_for(zoo: Any, tmp_path: Path, to: str) -> None:
    """In whole lines, or in one that does not end."""
    script = {"start": [{"flood": {"mb": 1, "to": to}}, {"flood": {"mb": 0.5, "to": to, "line_bytes": 0}}, "exit"]}
    (tmp_path / "a.json").write_text(json.dumps(script))
    argv = [str(item) for item in fake_agent_command(tmp_path / "a.json")]
    finished = await zoo.run(*(item for item in argv if "{" not in item))
    *lines, last = getattr(finished, to).split(b"\n")
    assert {len(line) for line in lines} == {99}
    assert len(lines) == -(-(1 << 20) // 100)
    assert len(last) == 1 << 19


def test_what_a_script_says_may_name_what_is_known(start: Callable[..., Program], monkeypatch: Any) -> None:
    """Also its environment, so that one can see what reached it; unknown words stay."""
    monkeypatch.setenv("OF_THE_AGENT", "a secret")
    script = {
        "turns": [{"match": "(a)(?P<rest>.*)", "steps": [{"say": "{1}|{rest}|{turn}|{model}|{env.OF_THE_AGENT}|{no}"}]}]
    }
    assert start(script, "--model=m1").turn("abc") == "a|bc|1|m1|a secret|{no}"


def test_on_a_terminal_it_prompts_echoes_and_answers(start: Callable[..., Program]) -> None:
    """Its own simple line editing: what is typed is shown, may be taken back, and may be as long as one likes."""
    program = start({"default": [{"say": "you said {text}"}]}, terminal=True)
    program.read(b"> ")
    program.write(b"helx\x7flo\r")
    assert b"helx\b \blo\r\n" in program.read(b"you said hello\r\n> ")
    program.write(b"x" * 10_000 + b"\r")
    assert program.read(b"> ").count(b"x") == 20_000
    program.write(b"\x04")
    assert program.process.wait(WITHIN_S) == 0


def test_on_a_terminal_pasted_text_is_one_turn(start: Callable[..., Program], tmp_path: Path) -> None:
    """Bracketed paste: its line ends are text; other sequences are no text at all."""
    program = start(terminal=True)
    assert b"\x1b[?2004h" in program.read(b"> ")
    program.write(b"\x1b[200~one\rtwo\n\x1b[201~\x1b[A\x1bOP three\r")
    program.read(b"> ")
    turns = [line["text"] for line in journal(tmp_path) if line["what"] == "turn"]
    assert turns == ["one\ntwo\n three"]


def test_on_a_terminal_ctrl_c_interrupts_and_typing_steers(start: Callable[..., Program], tmp_path: Path) -> None:
    """The turn ends and the program stays; what is typed in the middle goes in between two steps."""
    program = start({"turns": [{"turn": 1, "steps": [{"say": "a"}, {"sleep": "1h"}]}]}, terminal=True)
    program.read(b"> ")
    program.write(b"go\r")
    program.read(b"a\r\n")
    program.write(b"left\r")
    program.read(b"left\r\n")
    program.write(b"\x03")
    program.read(b"^C\r\ninterrupted\r\n> ")
    program.write(b"next\r")
    program.read(b"next\r\nnext\r\n> ")
    program.write(b"half a line\x03")
    program.read(b"^C\r\n> ")
    program.write(b"again\r")
    program.read(b"again\r\nagain\r\n> ")
    assert [line["what"] for line in journal(tmp_path) if line["what"] not in ("done", "steered")] == [
        *("start", "turn", "turn", "interrupt", "turn", "interrupt", "turn"),
    ]


def test_on_a_terminal_it_asks_queries_and_sees_a_new_size(start: Callable[..., Program], tmp_path: Path) -> None:
    """What a terminal answers arrives as keys, and is no text of a turn."""
    script = {"default": [{"query": {"text": "\x1b[6n"}}, {"say": "at {answer}!"}]}
    program = start(script, terminal=True)
    program.read(b"> ")
    program.write(b"go\r")
    program.read(b"\x1b[6n")
    program.write(b"\x1b[12;")
    program.write(b"40R")
    assert re.search(rb"at \x1b\[12;40R!", program.read(b"> "))
    fcntl.ioctl(program.out, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 132, 0, 0))
    program.write(b"\r")
    program.read(b"\x1b[6n")
    assert [line["text"] for line in journal(tmp_path) if line["what"] == "resize"] == ["132x50"]
