"""An agent of any protocol that a prompt ``do: THING`` tells how to misbehave: ``hostile_agent.py PROTOCOL [START]``.

To any other prompt it says the length and the digest of what it was told. ``START`` misbehaves before the first turn.
``FLOOD_MB`` is how much it writes where it writes much.
"""

import hashlib
import json
import os
import signal
import sys
import time

MB = 1 << 20
FLOOD = int(os.environ.get("FLOOD_MB", "100")) * MB
ANSI = "\x1b]0;owned\x07\x1b[2J\x1b[31mred\x9b1m \u202ecod.exe\u2066 \x00 \ud800 \u2028 \x85 \x7f"
JUNK = [
    b"\x00\xff\xfe\x80 no text",
    b"\x1b]0;owned\x07\x1b[2J plain",
    b"[1, 2",
    b"null",
    b'"text"',
    b"{",
    b'{"type": "done"',
    b'{"half": ',
    b'{"id": 99, "result": {}}',
    b'{"jsonrpc": "2.0", "id": 1, "method": 5}',
    b'{"type": "result", "subtype": 5, "uuid": []}'.replace(b'"result"', b'"assistant"'),
    b'{"method": "item/completed", "params": {"threadId": 5}}',
    b'{"method": "turn/completed", "params": {"threadId": "other", "turn": {"id": "t9", "status": "completed"}}}',
    b'{"type": "message", "text": "\\ud800"}',
    b'{"type": "usage", "input_tokens": -1, "usd": 1e999}',
    b'{"type": "message", "text": ' + b"[" * 100_000,
    b'{"type": "thread", "id": ' + b"9" * 5_000 + b"}",
    b'{"a": ' * 20_000,
]


def out(data: bytes, fd: int = 1) -> None:
    """Write all of it."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def send(**message: object) -> None:
    """One object on a line."""
    out(json.dumps(message).encode() + b"\n")


def hear() -> dict:
    """The next object that comes in; the end of the input ends us."""
    line = sys.stdin.buffer.readline()
    if not line:
        sys.exit(0)
    return json.loads(line)


class Lines:
    """The project's own protocol."""

    turn = 0

    def begin(self) -> None:
        send(type="thread", id="hostile-1")
        send(type="ready")

    def take(self) -> str:
        while (heard := hear())["type"] != "turn":
            if heard["type"] == "bye":
                sys.exit(0)
        self.turn = heard["turn"]
        return heard["text"]

    def say(self, text: str) -> None:
        send(type="message", text=text)

    def done(self) -> None:
        send(type="done", turn=self.turn)


class Acp:
    """The Agent Client Protocol."""

    prompt = None

    def begin(self) -> None:
        pass

    def take(self) -> str:
        while (heard := hear()).get("method") != "session/prompt":
            match heard.get("method"):
                case "initialize":
                    result = {"protocolVersion": 1, "agentCapabilities": {"sessionCapabilities": {"resume": {}}}}
                case "session/new":
                    result = {"sessionId": "hostile-1"}
                case _:
                    result = {}
            if "id" in heard:
                send(jsonrpc="2.0", id=heard["id"], result=result)
        self.prompt = heard["id"]
        return "".join(block.get("text", "") for block in heard["params"]["prompt"])

    def say(self, text: str) -> None:
        update = {"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": text}}
        send(jsonrpc="2.0", method="session/update", params={"sessionId": "hostile-1", "update": update})

    def done(self) -> None:
        send(jsonrpc="2.0", id=self.prompt, result={"stopReason": "end_turn"})


class Codex:
    """The app-server of Codex."""

    turn = ""
    turns = 0

    def begin(self) -> None:
        pass

    def take(self) -> str:
        while (heard := hear()).get("method") != "turn/start":
            match heard.get("method"):
                case "initialize":
                    result = {"userAgent": "hostile/1"}
                case "thread/start" | "thread/resume":
                    result = {"thread": {"id": "hostile-1"}}
                case _:
                    result = {}
            if "id" in heard:
                send(id=heard["id"], result=result)
        self.turns += 1
        self.turn = f"turn-{self.turns}"
        send(id=heard["id"], result={"turn": {"id": self.turn}})
        send(method="turn/started", params={"threadId": "hostile-1", "turn": {"id": self.turn}})
        return "".join(part.get("text", "") for part in heard["params"]["input"])

    def say(self, text: str) -> None:
        item = {"type": "agentMessage", "id": f"item-{time.monotonic_ns()}", "text": text}
        send(method="item/completed", params={"threadId": "hostile-1", "turnId": self.turn, "item": item})

    def done(self) -> None:
        turn = {"id": self.turn, "status": "completed"}
        send(method="turn/completed", params={"threadId": "hostile-1", "turn": turn})


class Claude:
    """The stream-json of Claude Code."""

    message = ""

    def begin(self) -> None:
        pass

    def take(self) -> str:
        while (heard := hear())["type"] != "user":
            if heard["type"] == "control_request":
                response = {"subtype": "success", "request_id": heard["request_id"]}
                send(type="control_response", response=response)
        self.message = heard["uuid"]
        send(type="system", subtype="init", session_id="hostile-1", model="m", cwd="/")
        return heard["message"]["content"]

    def say(self, text: str) -> None:
        message = {"id": f"m-{time.monotonic_ns()}", "content": [{"type": "text", "text": text}]}
        send(type="assistant", message=message)

    def done(self) -> None:
        end = {"is_error": False, "subtype": "success", "terminal_reason": "completed"}
        send(type="result", session_id="hostile-1", user_message_uuid=self.message, **end)


class Screen:
    """A program for people, at a terminal."""

    def begin(self) -> None:
        out(b"> ")

    def take(self) -> str:
        line = sys.stdin.buffer.readline()
        if not line:
            sys.exit(0)
        return line.decode("utf-8", "replace").rstrip("\n")

    def say(self, text: str) -> None:
        out(text.encode("utf-8", "surrogatepass") + b"\n")

    def done(self) -> None:
        out(b"\n> ")


Voice = Lines | Acp | Codex | Claude | Screen
VOICES = {"lines": Lines, "acp": Acp, "codex": Codex, "claude": Claude, "pty": Screen}


def deaf() -> None:
    """Hear no signal that can be ignored."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def sleep_on() -> None:
    """Live on for as long as nobody ends it."""
    while True:
        time.sleep(60)


def daemons(count: int) -> None:
    """Leave processes in sessions of their own that hold the pipes, hear no signal and have no variables."""
    for _ in range(count):
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                program = "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)"
                os.execve(sys.executable, [sys.executable, "-I", "-S", "-c", program], {})
            os._exit(0)
        os.wait()


def flood(size: int, fd: int = 1, piece: bytes = b"x" * MB) -> None:
    """So many bytes."""
    for _ in range(0, size, len(piece)):
        out(piece, fd)


def babble(_: Voice) -> None:
    """What no protocol knows."""
    out(b"".join(line + b"\n" for line in JUNK))


def half_a_line(_: Voice) -> None:
    """And then nobody is there."""
    out(b'{"type": "mess')
    sys.exit(0)


def a_long_line(_: Voice) -> None:
    """One line without any form."""
    flood(FLOOD)
    out(b"\n")


def a_line_without_an_end(_: Voice) -> None:
    """The same, and then nobody is there."""
    flood(FLOOD)
    sys.exit(0)


def much_to_say(voice: Voice) -> None:
    """One message after the other."""
    for _ in range(0, FLOOD, 65_000):
        voice.say("word " * 13_000)


def hang(_: Voice) -> None:
    """Never go on, and hear nothing."""
    deaf()
    sleep_on()


def close(_: Voice) -> None:
    """Live on without a mouth."""
    os.close(1)
    os.close(2)
    sleep_on()


def stay(voice: Voice) -> None:
    """End the turn, and never go."""
    deaf()
    daemons(1)
    voice.say("fine")
    voice.done()
    sleep_on()


THINGS = {
    "garbage": babble,
    "half a line": half_a_line,
    "a long line": a_long_line,
    "a line without an end": a_line_without_an_end,
    "a long message": lambda voice: voice.say("long" * (FLOOD // 4)),
    "much to say": much_to_say,
    "noise": lambda _: flood(FLOOD, fd=2, piece=b"noise\n" * 20_000),
    "colours": lambda voice: voice.say(ANSI),
    "exit": lambda _: sys.exit(0),
    "exit 3": lambda _: sys.exit(3),
    "die": lambda _: os.kill(os.getpid(), signal.SIGKILL),
    "hang": hang,
    "close": close,
    "daemons": lambda _: daemons(3),
    "stay": stay,
}


def perform(prompt: str, voice: Voice) -> None:
    """One turn, up to its end."""
    thing = THINGS.get(prompt.removeprefix("do: ")) if prompt.startswith("do: ") else None
    if thing is None:
        voice.say(f"{len(prompt)} {hashlib.sha256(prompt.encode('utf-8', 'surrogatepass')).hexdigest()}")
        return
    thing(voice)
    voice.say("fine")


def unread(voice: Voice) -> None:
    """Be ready for a turn, and never read it: of its requests the last one before a turn is answered blindly."""
    if isinstance(voice, Codex):
        for number, result in enumerate(({"userAgent": "h/1"}, {"thread": {"id": "hostile-1"}}, {}), 1):
            send(id=number, result=result)
            time.sleep(0.05)
    elif isinstance(voice, Acp):
        for number, result in enumerate(({"protocolVersion": 1, "agentCapabilities": {}}, {"sessionId": "h-1"}), 1):
            send(jsonrpc="2.0", id=number, result=result)
            time.sleep(0.05)
    elif isinstance(voice, Claude):
        send(type="control_response", response={"subtype": "success", "request_id": hear()["request_id"]})
    else:
        voice.begin()
    sleep_on()


def main() -> None:
    """Live until the input ends."""
    voice = VOICES[sys.argv[1]]()
    match sys.argv[2] if len(sys.argv) > 2 else "":
        case "babble":
            babble(voice)
        case "mute":
            hang(voice)
        case "quit":
            sys.exit(0)
        case "unread":
            unread(voice)
    voice.begin()
    while True:
        perform(voice.take(), voice)
        voice.done()


main()
