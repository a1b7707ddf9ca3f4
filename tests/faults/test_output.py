"""Output arrives whole, in pieces, in bounded memory."""

import asyncio
import hashlib
import resource
import time
from pathlib import Path

from taxiway.agents.protocol import OUTPUT_BUFFER_BYTES_MAX, OUTPUT_PIECE_BYTES_MAX, Ended, How, Output


async def test_a_flood_arrives_whole_in_little_memory(zoo) -> None:
    """Fault 31, I18: 200 MB, every byte, and the runner hardly grows."""
    size = 200_000_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    conversation = await zoo.start("flood.py", str(size))
    digest, seen, ended = hashlib.blake2b(), 0, None
    async for event in conversation.events():
        if isinstance(event, Ended):
            ended = event
        else:
            seen += len(event.data)
            digest.update(event.data)
    line = b"x" * 99 + b"\n"
    expected = hashlib.blake2b()
    for _ in range(size // 100_000):
        expected.update(line * 1000)
    assert (seen, ended) == (size, Ended(exit_code=0))
    assert digest.digest() == expected.digest()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # KiB


async def test_one_line_of_100_mb_is_no_different(zoo) -> None:
    """Fault 32: there is no limit on lines, only on pieces."""
    conversation = await zoo.start("flood.py", "100000000", "one-line")
    seen, longest = 0, 0
    async for event in conversation.events():
        if isinstance(event, Output):
            seen += len(event.data)
            longest = max(longest, len(event.data))
    assert seen == 100_000_000
    assert longest <= OUTPUT_PIECE_BYTES_MAX


async def test_bytes_that_are_no_text_come_through_unchanged(zoo) -> None:
    """Fault 33: invalid UTF-8, NUL, escapes; a character in two writes comes in one piece, half a one is kept."""
    finished = await zoo.run("bad_utf8.py")
    expected = bytes(range(256)) + b"\xed\xa0\x80\x00\x1b]0;title\x07\xe2\x80\xae" + "é".encode() + b"\xf0\x9f"
    assert finished.stdout == expected


async def test_no_character_is_cut_between_pieces(zoo) -> None:
    """Fault 33: a flood of multi-byte text decodes piece by piece."""
    conversation = await zoo.start("sh", "-c", "yes '€𝄞éa' | head -c 11000000")
    pieces = [event.data async for event in conversation.events() if isinstance(event, Output)]
    assert len(pieces) > 100
    assert len("".join(piece.decode() for piece in pieces).encode()) == 11_000_000


async def test_both_streams_keep_their_order_and_their_names(zoo, tmp_path: Path) -> None:
    """B10: stdout and stderr apart, in the order in which they arrived."""
    turn = (
        "echo out$i; until [ -e out$i ]; do sleep 0.01; done; echo err$i >&2; until [ -e err$i ]; do sleep 0.01; done"
    )
    conversation = await zoo.start("sh", "-c", f"for i in 1 2 3; do {turn}; done", cwd=str(tmp_path))
    seen = []
    async for event in conversation.events():
        if isinstance(event, Output):
            seen.append((event.stream, event.data))
            (tmp_path / event.data.decode().strip()).touch()  # the next word waits for this
    expected = [("stdout", b"out%d\n"), ("stderr", b"err%d\n")]
    assert seen == [(stream, text % i) for i in (1, 2, 3) for stream, text in expected]


async def test_a_reader_who_does_not_pull_makes_the_program_wait(zoo) -> None:
    """I18: back-pressure through the pipe; nothing is read ahead beyond the bound, nothing is lost."""
    conversation = await zoo.ready("flood.py", "10000000")
    await asyncio.sleep(0.3)
    assert conversation._pump._buffered <= OUTPUT_BUFFER_BYTES_MAX + OUTPUT_PIECE_BYTES_MAX
    assert Path(f"/proc/{conversation.mark.child_pid}/stat").exists()
    finished = await zoo.finish(conversation)
    assert len(finished.stdout) > 10_000_000 - 2 * OUTPUT_PIECE_BYTES_MAX
    assert finished.ended == Ended(exit_code=0)


async def test_a_lagging_reader_gets_what_the_pipe_held_at_the_end(zoo, monkeypatch) -> None:
    """B13, DB13: the tree is dead and the time for draining is over, but what was written is not lost."""
    monkeypatch.setattr("taxiway.agents.conversation.DRAIN_S_MAX", 0.1)
    conversation = await zoo.start("flood.py", "300000")
    events = conversation.events()
    first = await anext(events)
    await asyncio.sleep(0.6)
    rest = [event async for event in events]
    assert len(first.data) + sum(len(event.data) for event in rest[:-1]) == 300_000
    assert rest[-1] == Ended(exit_code=0)


async def test_a_killed_flood_ends_at_once_with_what_it_wrote(zoo) -> None:
    """I6: a program in the middle of a blocked write dies like any other."""
    conversation = await zoo.ready("flood.py", "100000000000")
    began = time.monotonic()
    await conversation.close(How.KILL)
    finished = await zoo.finish(conversation, within=5)
    assert (finished.ended, time.monotonic() - began < 2) == (Ended(signal=9), True)


async def test_closed_outputs_are_no_end(zoo) -> None:
    """Fault 26: end-of-file on both pipes says nothing about the process."""
    began = time.monotonic()
    finished = await zoo.run("sh", "-c", "exec >&- 2>&-; sleep 0.5; exit 5")
    assert finished.ended == Ended(exit_code=5)
    assert time.monotonic() - began >= 0.5
