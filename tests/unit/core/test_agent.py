"""The command of an agent: what is known is put in, and what is not is left out."""

import pytest

from taxiway.core.agent import Access, AgentKind, Argument, argv_of


def argv(*command: Argument, thread: str | None = None, model: str | None = None, own: str | None = None) -> list[str]:
    """The argv that a command becomes."""
    return list(argv_of(AgentKind(command=command, model=own), Access.WRITE, thread, model))


def test_a_placeholder_is_replaced_by_what_is_known() -> None:
    """Also in the middle of an argument and twice; the access is always known."""
    assert argv("a", "--at={thread}/{thread}", "{access}", thread="t1") == ["a", "--at=t1/t1", "write"]
    assert argv("a", "-m{model}", model="big", own="small") == ["a", "-mbig"]
    assert argv("a", "-m{model}", own="small") == ["a", "-msmall"]


def test_an_argument_that_names_something_unknown_is_left_out() -> None:
    """A new conversation has no thread; the flag must not stand there without its value."""
    assert argv("a", "--thread={thread}", "b") == ["a", "b"]
    assert argv("a", "{model}-{thread}", model="m") == ["a"]


def test_arguments_in_a_list_are_left_out_together() -> None:
    """For programs that want the flag and its value apart."""
    command: tuple[Argument, ...] = ("a", ("--resume", "{thread}"), "b")
    assert argv(*command) == ["a", "b"]
    assert argv(*command, thread="t") == ["a", "--resume", "t", "b"]


@pytest.mark.parametrize("text", ["{", "{}", "{name}", "{{x}}", '{"json": 1}', "{ thread }"])
def test_other_braces_stay_as_they_are(text: str) -> None:
    """JSON and shell text are arguments like any other."""
    assert argv("a", text, thread="t") == ["a", text]


def test_a_value_is_put_in_as_it_is() -> None:
    """What an agent calls its conversation is text, and never read for placeholders again."""
    assert argv("a", "{thread}", thread="{model} $(x) \\1", model="m") == ["a", "{model} $(x) \\1"]
