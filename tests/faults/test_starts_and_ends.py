"""How programs start, what they are given, and that every kind of end is told truly."""

import asyncio
import json
import os
import resource
import signal
import sys
from pathlib import Path

import psutil
import pytest

from taxiway.agents.process import ProcessConversation
from taxiway.agents.protocol import Ended, Go, How, SpawnFailure

FATAL = sorted(
    {
        *(signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGILL, signal.SIGTRAP, signal.SIGABRT, signal.SIGBUS),
        *(signal.SIGFPE, signal.SIGKILL, signal.SIGUSR1, signal.SIGSEGV, signal.SIGUSR2, signal.SIGPIPE),
        *(signal.SIGALRM, signal.SIGTERM, signal.SIGXCPU, signal.SIGXFSZ, signal.SIGVTALRM, signal.SIGPROF),
    }
)


async def test_every_exit_code_is_told(zoo) -> None:
    """B13: the exit code is the program's own, 127 included; nothing else is claimed."""
    for code in (0, 1, 2, 3, 42, 126, 127, 128, 130, 137, 254, 255):
        finished = await zoo.run("sh", "-c", f"exit {code}")
        assert finished.ended == Ended(exit_code=code)


async def test_every_fatal_signal_is_told_as_a_signal(zoo) -> None:
    """B16, DB7: a kill from outside is a signal, not an exit code and not a timeout; core dumps make no difference."""
    for number in FATAL:
        finished = await zoo.run("sh", "-c", f"kill -{int(number)} $$; sleep 5")
        assert finished.ended == Ended(signal=int(number)), number


async def test_a_missing_executable_is_a_spawn_failure_in_the_words_of_the_system(zoo) -> None:
    """B12, DB18: told apart from exit code 127, and as one that no retry can mend."""
    finished = await zoo.run("no-such-program-anywhere", "x")
    failure = finished.ended.spawn_failure
    assert failure == SpawnFailure("No such file or directory: 'no-such-program-anywhere'", 2, passing=False)
    assert (finished.ended.exit_code, finished.ended.signal, finished.stdout) == (None, None, b"")


async def test_what_cannot_be_executed_says_why(zoo, tmp_path: Path) -> None:
    """B12: permission, folder, format, interpreter, working directory, size: the system's words, none passing."""
    (plain := tmp_path / "plain").write_text("not a program")
    (strange := tmp_path / "strange").write_bytes(b"\x01\x02\x03\x04")
    strange.chmod(0o755)
    (lost := tmp_path / "lost").write_text("#!/no/such/interpreter\n")
    lost.chmod(0o755)
    cases = [
        ((str(plain),), {}, f"Permission denied: '{plain}'"),
        ((str(tmp_path),), {}, f"Permission denied: '{tmp_path}'"),
        ((str(strange),), {}, f"Exec format error: '{strange}'"),
        ((str(lost),), {}, f"No such file or directory: the interpreter of '{lost}'"),
        ((str(plain / "below"),), {}, f"Not a directory: '{plain / 'below'}'"),
        (("true",), {"cwd": "/no/such/place"}, "No such file or directory: '/no/such/place' (working directory)"),
        (("true",), {"cwd": str(plain)}, f"Not a directory: '{plain}' (working directory)"),
        (("true", "x" * 3_000_000), {}, "Argument list too long: 'true'"),
    ]
    for argv, fields, text in cases:
        failure = (await zoo.run(*argv, **fields)).ended.spawn_failure
        assert failure is not None, argv[0]
        assert (failure.text, failure.passing) == (text, False)


@pytest.mark.parametrize(
    ("argv", "fields"),
    [
        ((), {}),
        (("true", "a\0b"), {}),
        (("true",), {"env": {"A=B": "c"}}),
        (("true",), {"env": {"": "c"}}),
        (("true",), {"env": {"A": "\ud800"}}),
        (("true",), {"cwd": "/a\0b"}),
    ],
)
async def test_a_launch_that_no_program_can_be_given_is_refused(zoo, argv, fields) -> None:
    """B12: a value, not an exception, whatever stands in the launch."""
    opened = await zoo.agent.open(zoo.launch(*argv, **fields))
    assert isinstance(opened, SpawnFailure)
    assert not opened.passing


async def test_a_file_that_is_being_written_is_a_passing_failure(zoo, tmp_path: Path) -> None:
    """DB18: ETXTBSY goes away by itself, so the failure says that trying later may help."""
    program = tmp_path / "busy"
    program.write_bytes(Path("/bin/true").read_bytes())
    program.chmod(0o755)
    with program.open("ab"):
        failure = (await zoo.run(str(program))).ended.spawn_failure
    assert failure == SpawnFailure(f"Text file busy: '{program}'", 26, passing=True)
    assert (await zoo.run(str(program))).ended == Ended(exit_code=0)


async def test_the_path_of_the_childs_own_environment_finds_it(zoo, tmp_path: Path) -> None:
    """B10: a name without a slash is looked up where the task says, with relative names below the working directory."""
    (program := tmp_path / "only-here").write_text("#!/bin/sh\necho found\n")
    program.chmod(0o755)
    assert (await zoo.run("only-here", env={"PATH": f"/nowhere:{tmp_path}"})).stdout == b"found\n"
    assert (await zoo.run("./only-here", cwd=str(tmp_path))).stdout == b"found\n"
    assert (await zoo.run("only-here")).ended.spawn_failure is not None
    assert (await zoo.run("sh", "-c", "echo found", env={})).stdout == b"found\n"


async def test_a_program_gets_what_it_was_promised_and_nothing_else(zoo, tmp_path: Path, monkeypatch) -> None:
    """B10, I7, DB19: 0, 1, 2 only, own session, clean signals, no core, raised oom score, the given environment."""
    monkeypatch.setenv("SECRET_OF_THE_RUNNER", "x")
    env = {"PATH": os.environ["PATH"], "GIVEN": "é"}
    finished = await zoo.run("look_at_me.py", cwd=str(tmp_path), env=env)
    seen = json.loads(finished.stdout)
    umask = os.umask(0)
    os.umask(umask)
    assert seen["fds"] == [0, 1, 2]
    assert seen["stdin"] == "/dev/null"
    assert (seen["ignored"], seen["blocked"], seen["leads_session"]) == (0, 0, True)
    assert (seen["oom_score_adj"], seen["core"], seen["no_new_privs"]) == (500, 0, "0")
    assert (int(seen["umask"], 8), seen["cwd"]) == (umask, str(tmp_path))
    seen["env"].pop("LC_CTYPE", None)  # Python's own doing
    assert seen["env"] == {**env, "TAXIWAY_PROCESS": finished.mark.tag}


async def test_sigpipe_ends_a_program_as_everywhere_else(zoo) -> None:
    """B10: the default disposition, although Python ignores it: `yes | head` must end."""
    finished = await zoo.run("sh", "-c", "yes | head -n 1; kill -PIPE $$; sleep 5")
    assert (finished.stdout, finished.ended.signal) == (b"y\n", signal.SIGPIPE)


async def test_stdin_is_empty_or_the_given_bytes_and_then_at_its_end(zoo) -> None:
    """B10, trap 10: nobody waits for ever on an open stdin; large input needs no reader."""
    assert (await zoo.run("cat")).stdout == b""
    assert (await zoo.run("cat", stdin=b"hello\0\xff")).stdout == b"hello\0\xff"
    large = await zoo.run("look_at_me.py", stdin=b"x" * 5_000_000)
    assert json.loads(large.stdout)["stdin_bytes"] == 5_000_000
    assert (await zoo.run("true", stdin=b"x" * 5_000_000)).ended == Ended(exit_code=0)


async def test_nothing_is_executed_before_the_go(zoo, tmp_path: Path) -> None:
    """I7: after step one the processes of the mark exist, but the program has not begun."""
    conversation = await zoo.open("touch", str(tmp_path / "made"))
    mark = conversation.mark
    for pid, start in ((mark.guardian_pid, mark.guardian_start), (mark.child_pid, mark.child_start)):
        assert int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]) == start
    assert b"TAXIWAY_PROCESS" not in Path(f"/proc/{mark.child_pid}/environ").read_bytes()
    assert not (tmp_path / "made").exists()
    await conversation.send(Go())
    assert (await zoo.finish(conversation)).ended == Ended(exit_code=0)
    assert (tmp_path / "made").exists()


@pytest.mark.parametrize("how", list(How))
async def test_a_close_before_the_go_means_that_nothing_ran(zoo, tmp_path: Path, how: How) -> None:
    """I6, I7: a cancel between claim and spawn leaves neither a process nor an effect."""
    conversation = await zoo.open("touch", str(tmp_path / "made"))
    await conversation.close(how)
    await conversation.send(Go())
    ended = (await zoo.finish(conversation)).ended
    assert (ended.started, ended.exit_code, ended.signal, ended.certain) == (False, None, None, True)
    assert not (tmp_path / "made").exists()


async def test_without_a_go_in_time_nothing_runs(zoo, tmp_path: Path, monkeypatch) -> None:
    """I7: an engine that hangs between commit and go must not start something later that is long given up."""
    monkeypatch.setattr("taxiway.agents.process.GO_S_MAX", 0.3)
    conversation = await zoo.open("touch", str(tmp_path / "made"))
    ended = (await zoo.finish(conversation, within=5)).ended
    assert (ended.started, ended.certain) == (False, True)
    await conversation.send(Go())
    assert not (tmp_path / "made").exists()


async def test_a_crash_at_the_start_is_told_as_its_signal(zoo) -> None:
    """Fault 23: what the kernel kills, a segmentation fault here, is a signal of the program, with its output kept."""
    program = "import ctypes, os; os.write(1, b'begun'); ctypes.string_at(0)"
    finished = await zoo.run(sys.executable, "-c", program)
    assert (finished.stdout, finished.ended) == (b"begun", Ended(signal=signal.SIGSEGV))


async def test_many_runs_at_once_are_kept_apart(zoo) -> None:
    """I2, B9: output and exit codes of forty programs at a time go to their own conversations."""
    finished = await asyncio.gather(*[zoo.run("sh", "-c", f"echo {n}; exit {n}") for n in range(40)])
    assert [(int(one.stdout), one.ended.exit_code) for one in finished] == [(n, n) for n in range(40)]


async def test_no_descriptor_is_left_open_by_a_run(zoo) -> None:
    """I18: as many descriptors after fifty runs, failures and drops as before."""
    await zoo.run("true")
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(15):
        await zoo.run("echo", "x")
        await zoo.run("no-such-program")
        (await zoo.start("sleep", "60")).drop()
    assert len(os.listdir("/proc/self/fd")) == before


async def with_one_standing_by(zoo, eventually) -> list[ProcessConversation]:
    """Launches that wait for their go, so many that just one guardian more is there than they need."""
    server = psutil.Process(zoo.agent._server.pid)
    busy = [await zoo.open("true")]
    while not eventually(lambda: len(server.children()) == len(busy) + 1, within=0.2):
        busy.append(await zoo.open("true"))
    assert eventually(lambda: server.status() == psutil.STATUS_SLEEPING)  # it holds no request in hand
    return busy


async def opened_with_room(zoo, room: int) -> ProcessConversation | SpawnFailure:
    """A launch while the fork server may open so many descriptors more."""
    server = zoo.agent._server.pid
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    held = len(os.listdir(f"/proc/{server}/fd"))
    resource.prlimit(server, resource.RLIMIT_NOFILE, (held + room, hard))
    try:
        return await zoo.agent.open(zoo.launch("true"))
    finally:
        resource.prlimit(server, resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("room", [0, 3])
async def test_too_few_descriptors_in_the_fork_server_is_a_passing_failure(zoo, eventually, room: int) -> None:
    """Fault 30, DB18: a request that does not arrive whole runs nothing, and the next launch works."""
    await zoo.run("true")
    server = zoo.agent._server.pid
    busy = await with_one_standing_by(zoo, eventually)
    opened = await opened_with_room(zoo, room)
    assert isinstance(opened, SpawnFailure)
    assert opened.passing
    for conversation in busy:
        conversation.drop()
    assert (await zoo.run("true")).ended == Ended(exit_code=0)
    assert zoo.agent._server.pid == server


async def test_a_guardian_stands_by_for_whoever_comes_next(zoo, eventually) -> None:
    """B9, fault 30: a launch needs no fork of the fork server, so it works where that has no room for one."""
    await zoo.run("true")
    busy = await with_one_standing_by(zoo, eventually)
    opened = await opened_with_room(zoo, 5)
    assert not isinstance(opened, SpawnFailure)
    for conversation in (*busy, opened):
        conversation.drop()


async def test_too_few_descriptors_is_a_passing_failure(zoo) -> None:
    """Fault 30, DB18: EMFILE in the runner is said as such, and the next launch works."""
    await zoo.run("true")
    held = [os.open("/dev/null", os.O_RDONLY)]
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (held[0] + 4, hard))
    try:
        opened = await zoo.agent.open(zoo.launch("true"))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        os.close(held[0])
    assert opened == SpawnFailure("Too many open files", 24, passing=True)
    assert (await zoo.run("true")).ended == Ended(exit_code=0)
