"""Values of earlier tasks inside a later one."""

import pytest

from taxiway.core.errors import Invalid
from taxiway.core.limits import TEMPLATE_VALUE_BYTES_MAX
from taxiway.core.task import Dependency, TaskSpec
from taxiway.core.template import Field, Ref, Rendered, Value, mistakes, parse, render, text_of

LINT = Value(output="2 errors\n", exit_code=1, result={"files": [{"path": "a b.py"}], "ok": False, "n": 1.5})


def spec(**fields: object) -> TaskSpec:
    return TaskSpec(template=True, after=(Dependency("lint"), Dependency("a.result")), **fields)  # type: ignore[arg-type]


def rendered(**fields: object) -> Rendered:
    return render(spec(**fields), {"lint": LINT, "a.result": Value(output="other")})


def test_a_text_is_parted_into_literals_and_placeholders() -> None:
    """Semantics, "Templates": output, exit_code and result.path; spaces inside do not count."""
    parts = parse("a ${{ lint.output }}${{lint.exit_code}} $${{ x }} ${{ lint.result.files.0.path }}", {"lint"})
    assert parts == (
        "a ",
        Ref("lint", Field.OUTPUT),
        Ref("lint", Field.EXIT_CODE),
        " ${{ x }} ",
        Ref("lint", Field.RESULT, ("files", "0", "path")),
    )


def test_in_a_prompt_a_value_is_put_in_as_text() -> None:
    """Semantics, "Templates": one trailing newline less, and nothing in it means anything."""
    assert rendered(prompt="Fix it:\n${{ lint.output }}, $${{ x }}").prompt == "Fix it:\n2 errors, ${{ x }}"
    assert render(TaskSpec(prompt="${{ as it is }}"), {}).prompt == "${{ as it is }}"


def test_a_name_with_dots_is_found_by_the_names_in_after() -> None:
    """The longest name that fits is meant."""
    assert parse("${{ a.result.output }}", {"a", "a.result"}) == (Ref("a.result", Field.OUTPUT),)
    assert parse("${{ a.result.output }}", {"a"}) == (Ref("a", Field.RESULT, ("output",)),)


@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        ("${{ lnt.output }}", "names 'lnt', which is not in after", "did you mean 'lint'?"),
        ("${{ build.output }}", "names 'build', which is not in after", "add 'build' to after"),
        ("${{ lint.outptu }}", "no 'outptu'", "did you mean 'lint.output'?"),
        ("${{ lint.output.x }}", "no 'output.x'", "did you mean 'lint.output'?"),
        ("${{ lint }}", "is no placeholder", "write ${{ name.output }}"),
        ("${{ }}", "is no placeholder", "write ${{ name.output }}"),
        ("${{ lint.output", "not closed", "write ${{ name.output }}"),
        ("${{ lint.output }", "not closed", "write ${{ name.output }}"),
        ("${{ lint\n.output }}", "not closed", "write ${{ name.output }}"),
    ],
)
def test_a_placeholder_that_names_nothing_is_refused(text: str, said: str, hint: str) -> None:
    """Bad input: ${{ }} to a task that is not in after."""
    found = mistakes(text, {"lint"}, {"lint", "build"})
    assert len(found) == 1
    assert said in found[0].message
    assert found[0].hint.startswith(hint)
    with pytest.raises(Invalid):
        parse(text, {"lint"})


def test_every_mistake_of_a_text_is_found_in_one_go() -> None:
    """Those of the placeholders, and those of the places in a shell's text."""
    found = mistakes("echo '${{ lint.output }}' ${{ x.output }} \"${{ lint.output }}\"", {"lint"}, shell=True)
    assert [one.message.split(" }} ")[1][:14] for one in found] == ["names 'x', whi", "stands in sing"]


def test_in_a_command_a_value_is_part_of_one_argument_and_never_split() -> None:
    """Also in env, stdin and the texts of a job's args."""
    done = rendered(
        command=("echo", "${{ lint.output }}", "x=${{ lint.result.files.0.path }}!", "$${{ x }}", "plain"),
        env={"E": "${{ lint.exit_code }}"},
        stdin="${{ a.result.output }}\n",
        args={"deep": [{"n": "${{ lint.result.n }}"}, 5]},
    )
    assert done.command == ("echo", "2 errors", "x=a b.py!", "${{ x }}", "plain")
    assert done.env == {"E": "1"}
    assert done.stdin == "other\n"
    assert done.args == {"deep": [{"n": "1.5"}, 5]}


def test_in_a_shell_a_value_travels_in_the_environment() -> None:
    """Semantics: each placeholder becomes ${TAXIWAY_IN_n}; one that stands bare gets double quotes of its own."""
    done = rendered(
        shell='echo ${{ lint.output }} "it is ${{ lint.exit_code }}" \'$${{\' "${{ lint.output }}"',
        env={"A": "1"},
    )
    assert done.shell == 'echo "${TAXIWAY_IN_1}" "it is ${TAXIWAY_IN_2}" \'${{\' "${TAXIWAY_IN_1}"'
    assert done.env == {"A": "1", "TAXIWAY_IN_1": "2 errors", "TAXIWAY_IN_2": "1"}


def test_a_place_that_the_check_refuses_is_refused_by_rendering_too() -> None:
    """A spec may have come by another way."""
    with pytest.raises(Invalid, match="single quotes"):
        rendered(shell="echo '${{ lint.output }}'")


def test_without_template_nothing_means_anything() -> None:
    """Only in plan files, or with template: true."""
    plain = TaskSpec(command=("echo", "${{ lint.output }}", "$${{"))
    assert render(plain, {}).command == plain.command


@pytest.mark.parametrize(
    ("output", "text"),
    [
        (None, ""),
        ("", ""),
        ("\n", ""),
        ("a\n\n", "a\n"),
        ("a\r\n", "a\r"),
        ("a\0b", "a\N{REPLACEMENT CHARACTER}b"),
        ("\ud800x", "\N{REPLACEMENT CHARACTER}" * 3 + "x"),
    ],
)
def test_an_output_loses_one_trailing_newline_and_its_nuls(output: str | None, text: str) -> None:
    """Semantics, "Templates"; a task without output gives the empty text."""
    assert text_of(Ref("lint", Field.OUTPUT), Value(output=output)) == text


@pytest.mark.parametrize("piece", ["x", "é", "\0", "\N{GRINNING FACE}x"])
def test_of_a_long_output_the_last_64_kib_are_kept(piece: str) -> None:
    """Cut at a character; a result that long is refused, for half of it would mean something else."""
    text = text_of(Ref("lint", Field.OUTPUT), Value(output="begin" + piece * 70_000))
    assert TEMPLATE_VALUE_BYTES_MAX - 4 <= len(text.encode()) <= TEMPLATE_VALUE_BYTES_MAX
    assert "begin" not in text
    with pytest.raises(Invalid, match="takes 65536 at most"):
        text_of(Ref("lint", Field.RESULT), Value(result=piece * 70_000))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), '{"files":[{"path":"a b.py"}],"ok":false,"n":1.5}'),
        (("ok",), "false"),
        (("files",), '[{"path":"a b.py"}]'),
        (("files", "0", "path"), "a b.py"),
    ],
)
def test_a_result_gives_texts_as_they_are_and_the_rest_as_json(path: tuple[str, ...], text: str) -> None:
    """A path steps through tables by key and through lists by number."""
    assert text_of(Ref("lint", Field.RESULT, path), LINT) == text


def test_a_path_that_is_not_in_a_result_is_refused_with_the_nearest_key() -> None:
    """An empty text would hide the mistake; a task without any result gives the empty text."""
    with pytest.raises(Invalid, match=r"lint.result.files has no '7'"):
        text_of(Ref("lint", Field.RESULT, ("files", "7")), LINT)
    with pytest.raises(Invalid, match="did you mean 'files'"):
        text_of(Ref("lint", Field.RESULT, ("file",)), LINT)
    assert text_of(Ref("lint", Field.RESULT, ("file",)), Value()) == ""


def test_a_task_of_which_nothing_is_known_is_refused() -> None:
    """The caller hands in every parent."""
    with pytest.raises(Invalid, match="nothing is known of 'lint'"):
        render(spec(command=("x", "${{ lint.output }}")), {})
