"""Every dialect, streaming and whole, plays the same scripts to the same effect."""

import asyncio
import json

import pytest

from tests.stub_model.clients import CLIENTS, Client
from tests.stub_model.conftest import Talk
from tests.stub_model.record import Outcome
from tests.stub_model.server import StubModel

SCHEMA = {
    "type": "object",
    "properties": {"ok": {"type": "boolean"}, "kind": {"enum": ["a", "b"]}, "more": {"type": "string"}},
    "required": ["ok", "kind"],
}


async def test_a_script_is_played_turn_by_turn(stub: StubModel, client: Client, stream: bool) -> None:
    """Text beside a call, the call through the client's own shell tool, the answer, and then nothing more."""
    talk = Talk(stub, client, stream, "please [[stub: note I look ;; sh echo hi > f ;; say two words]] now")
    first = await talk.turn()
    assert (first.text, first.calls) == ("I look", (("bash", {"command": "echo hi > f"}),))
    assert [(await talk.turn()).text for _ in range(2)] == ["two words", "the script is over"]
    assert [exchange.why for exchange in stub.requests] == ["turn 0", "turn 1", "turn 2"]
    ended = Outcome.STREAMED if stream else Outcome.ANSWERED
    assert {exchange.outcome for exchange in stub.requests} == {ended}
    assert {(one.dialect, one.account, one.model, one.stream) for one in stub.requests} == {
        (client.name, "sk-test", "m", stream)
    }


async def test_several_calls_may_come_in_one_turn(stub: StubModel, client: Client, stream: bool) -> None:
    """``and`` adds a call; a tool is called by its name, too; all of them are one turn of the history."""
    talk = Talk(stub, client, stream, '[[stub: sh a ;; and tool other {"x": 1} ;; say done]]')
    assert (await talk.turn()).calls == (("bash", {"command": "a"}), ("other", {"x": 1}))
    assert (await talk.turn()).text == "done"


async def test_what_a_client_writes_in_the_models_name_is_no_turn(stub: StubModel) -> None:
    """Claude Code does so when it resumes a session that was killed in a tool; the script goes on all the same."""
    talk = Talk(stub, CLIENTS[0], True, "[[stub: sh sleep 9 ;; say done]]")
    await talk.turn()
    synthetic = [{"role": "assistant", "content": "No response requested."}, {"role": "user", "content": "continue"}]
    talk.body["messages"] += synthetic
    assert (await talk.turn()).text == "done"


async def test_a_new_script_in_the_conversation_begins_anew(stub: StubModel, client: Client, stream: bool) -> None:
    """What steers a turn may carry a script of its own."""
    talk = Talk(stub, client, stream, "[[stub: say one ;; say two]]")
    assert (await talk.turn()).text == "one"
    talk.body = json.loads(json.dumps(talk.body).replace("continue", "rather [[stub: say three ;; say four]]"))
    assert (await talk.turn()).text == "three"
    assert (await talk.turn()).text == "four"


async def test_tokens_are_what_the_script_says(stub: StubModel, client: Client, stream: bool) -> None:
    """``in`` holds what was cached, in every dialect's own way."""
    talk = Talk(stub, client, stream, "[[stub: usage in=100 out=7 cached=40 ;; think hm ;; say done]]")
    said = await talk.turn()
    assert (said.text, said.usage) == ("done", (100, 7, 40))
    assert (stub.requests[0].taken, stub.requests[0].given, stub.requests[0].cached) == (100, 7, 40)


async def test_a_prompt_without_a_script_is_answered(stub: StubModel, client: Client, stream: bool) -> None:
    """With the stub's own default."""
    assert (await Talk(stub, client, stream, "hello").turn()).text == "ok"


async def test_a_file_is_written_with_the_clients_own_tool(stub: StubModel, client: Client, stream: bool) -> None:
    """Or with its shell, where it has no tool for files."""
    script = "[[stub: write /a/b.txt one\\ntwo]]"
    said = await Talk(stub, client, stream, script, tools=("write_file", "bash")).turn()
    assert said.calls == (("write_file", {"command": "x", "file_path": "/a/b.txt", "content": "one\ntwo"}),)
    said = await Talk(stub, client, stream, script).turn()
    assert said.calls == (("bash", {"command": "mkdir -p /a && printf '%s\\n' 'one\ntwo' > /a/b.txt"}),)


async def test_a_structured_answer_fits_the_schema(stub: StubModel, client: Client, stream: bool) -> None:
    """An example of the schema, or what the script gives, be it right or wrong."""
    said = await Talk(stub, client, stream, "[[stub: answer]]", schema=SCHEMA).turn()
    assert json.loads(said.text) == {"ok": False, "kind": "a"}
    said = await Talk(stub, client, stream, '[[stub: answer {"ok": 1}]]', schema=SCHEMA).turn()
    assert json.loads(said.text) == {"ok": 1}
    said = await Talk(stub, client, stream, "[[stub: answer]]", tools=("StructuredOutput",)).turn()
    assert said.calls == (("StructuredOutput", {"command": "x"}),)


async def test_what_is_asked_beside_the_conversation_plays_no_turn(
    stub: StubModel, client: Client, stream: bool
) -> None:
    """Titles and routes are asked for without tools, with the same prompt in them."""
    said = await Talk(stub, client, stream, "[[stub: err 500 ;; say no]]", tools=()).turn()
    assert said.text == "stub"
    said = await Talk(stub, client, stream, "[[stub: say no]]", tools=(), schema=SCHEMA).turn()
    assert json.loads(said.text) == {"ok": False, "kind": "a"}
    assert [exchange.why for exchange in stub.requests] == ["side", "side"]


async def test_a_huge_answer_comes_whole(stub: StubModel, client: Client, stream: bool) -> None:
    """A million characters, in at most a few thousand pieces."""
    said = await Talk(stub, client, stream, "[[stub: huge 1000000]]").turn()
    assert len(said.text) == 1_000_000


async def test_a_cut_answer_has_no_end(stub: StubModel, client: Client, stream: bool) -> None:
    """Half of it comes, then the connection drops; the next request is another connection."""
    answer = await Talk(stub, client, stream, "[[stub: cut one two three four five six]]").send()
    assert not answer.complete
    assert stub.requests[0].outcome is Outcome.CUT
    assert not stream or b"one" in answer.body
    assert b"six" not in answer.body


async def test_a_tool_that_nobody_offers_is_told(stub: StubModel, client: Client, stream: bool) -> None:
    """A client without a shell tool gets a text that says so."""
    said = await Talk(stub, client, stream, "[[stub: sh ls]]", tools=("think",)).turn()
    assert "no tool" in said.text
    assert "think" in said.text


@pytest.mark.parametrize("body", [[], {}, {"model": 1}, {"messages": 3, "input": 3, "contents": 3, "model": "m"}])
async def test_a_body_that_is_no_request_is_refused(stub: StubModel, client: Client, body: object) -> None:
    """With 400, and in the record."""
    talk = Talk(stub, client, False, "x")
    talk.body = body  # type: ignore[assignment]
    answer = await talk.send()
    assert (answer.status, stub.requests[0].outcome) == (400, Outcome.BAD_REQUEST)


async def test_many_clients_are_answered_at_once(stub: StubModel, client: Client) -> None:
    """Each waits a second; together they wait little longer."""
    began = asyncio.get_running_loop().time()
    talks = [Talk(stub, client, True, f"[[stub: wait 1 ;; say {number}]]") for number in range(50)]
    said = await asyncio.gather(*(talk.turn() for talk in talks))
    assert [one.text for one in said] == [str(number) for number in range(50)]
    assert asyncio.get_running_loop().time() - began < 20
