"""Input of a program that stays open: bounded, whole, in order; and waits for events that may be given up."""

import asyncio
import hashlib
import time

from taxiway.agents.protocol import INPUT_BUFFER_BYTES_MAX, OPEN, Ended, How, Output


async def _line(conversation) -> bytes:
    event = await asyncio.wait_for(conversation.next(), 10)
    assert isinstance(event, Output), event
    return event.data


async def test_a_program_hears_each_line_while_it_runs(zoo) -> None:
    """B10: one process, many messages; its input ends when it is told to end, after what was written."""
    conversation = await zoo.start("cat", stdin=OPEN)
    for number in range(20):
        assert await conversation.write(b"line %d\n" % number)
        assert await _line(conversation) == b"line %d\n" % number
    await conversation.write(b"last")
    conversation.end_input()
    assert await conversation.write(b"too late") is False
    finished = await zoo.finish(conversation)
    assert (finished.stdout, finished.ended) == (b"last", Ended(exit_code=0))


async def test_input_larger_than_the_pipe_arrives_whole_and_in_order(zoo) -> None:
    """B10: 20 messages of 1 MiB, none torn, in the order of the calls, several waiting at once."""
    conversation = await zoo.start("sha256sum", stdin=OPEN)
    messages = [bytes([number]) * (1 << 20) for number in range(20)]
    for first in range(0, 20, 5):
        assert all(await asyncio.gather(*[conversation.write(message) for message in messages[first : first + 5]]))
    conversation.end_input()
    finished = await zoo.finish(conversation)
    assert finished.stdout.split()[0].decode() == hashlib.sha256(b"".join(messages)).hexdigest()


async def test_a_program_that_does_not_read_costs_a_bounded_wait_and_bounded_memory(zoo, monkeypatch) -> None:
    """I18: the loop goes on meanwhile, and past the bound nothing is accepted."""
    monkeypatch.setattr("taxiway.agents.input.INPUT_S_MAX", 0.2)
    conversation = await zoo.start("sleep", "60", stdin=OPEN)
    began = time.monotonic()
    assert await conversation.write(b"x" * (1 << 20)) is False
    assert 0.1 < time.monotonic() - began < 2
    assert await conversation.write(b"x" * INPUT_BUFFER_BYTES_MAX) is False
    assert len(conversation._input._held) <= 1 << 20
    await conversation.close(How.KILL)
    assert (await zoo.finish(conversation)).ended.signal == 9


async def test_what_was_accepted_is_not_torn_by_a_cancelled_wait(zoo) -> None:
    """I14: who gives up waiting has still sent a whole message; the next one begins after it."""
    conversation = await zoo.start("sh", "-c", "read go < /dev/null; sleep 0.3; exec tr -d x", stdin=OPEN)
    waiting = asyncio.ensure_future(conversation.write(b"x" * 500_000 + b"first\n"))
    await asyncio.sleep(0.05)
    waiting.cancel()
    assert await conversation.write(b"second\n")
    conversation.end_input()
    assert (await zoo.finish(conversation)).stdout == b"first\nsecond\n"


async def test_writing_to_a_program_that_closed_its_input_or_ended_says_so(zoo) -> None:
    """I14: no wait, no error, no signal to the runner."""
    conversation = await zoo.start("sh", "-c", "exec <&-; echo closed; sleep 60", stdin=OPEN)
    assert await _line(conversation) == b"closed\n"
    assert await conversation.write(b"hello") is False
    await conversation.close(How.KILL)
    await zoo.finish(conversation)
    assert await conversation.write(b"hello") is False
    ended = await zoo.start("true", stdin=OPEN)
    await zoo.finish(ended)
    assert await ended.write(b"hello") is False


async def test_a_program_without_an_open_input_takes_none(zoo) -> None:
    """B10: /dev/null stays the default."""
    conversation = await zoo.start("cat")
    assert await conversation.write(b"hello") is False
    assert (await zoo.finish(conversation)).stdout == b""


async def test_a_wait_for_an_event_that_is_given_up_loses_nothing(zoo) -> None:
    """B10, DB13: cancelled again and again, at the end too, every byte and the end come once each."""
    conversation = await zoo.start("sh", "-c", "for i in 1 2 3 4 5 6 7 8 9; do echo $i; sleep 0.02; done; exit 3")
    seen, ended = b"", None
    while ended is None:
        try:
            event = await asyncio.wait_for(conversation.next(), 0.003)
        except TimeoutError:
            continue
        if isinstance(event, Ended):
            ended = event
        else:
            seen += event.data
    assert (seen, ended) == (b"1\n2\n3\n4\n5\n6\n7\n8\n9\n", Ended(exit_code=3))
    assert await conversation.next() == ended


async def test_the_end_of_a_lost_guardian_is_heard_by_who_asks_again(zoo) -> None:
    """I6, fault 5: the wait for the fork server's verdict may be cancelled like any other."""
    conversation = await zoo.ready("sigterm_ignore.py")
    conversation._signal_guardian(9)
    event = None
    while not isinstance(event, Ended):
        try:
            event = await asyncio.wait_for(conversation.next(), 0.002)
        except TimeoutError:
            continue
    assert (event.lost, event.certain) == (True, True)
