"""Where in a shell's text a value may stand. ``@`` stands for the placeholder."""

import pytest

from taxiway.core.shellscan import HOLE, Hole, holes


def scanned(text: str) -> list[Hole]:
    return list(holes(text.replace("@", HOLE)))


def judged(text: str) -> str:
    """One letter for each placeholder: bare, quoted, comment, refused."""
    marks = []
    for hole in scanned(text):
        marks.append("r" if hole.refusal else "c" if hole.comment else "b" if hole.bare else "q")
    return "".join(marks)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("echo @", "b"),
        ("echo a@b", "b"),
        ('echo "@"', "q"),
        ('echo "it\'s @"', "q"),
        ("echo '\"' @", "b"),
        ('echo "\\"" @', "b"),
        ("echo \\' @ \\\" @", "bb"),
        ("echo \\\\@", "b"),
        ('v=@; echo "$v@"', "bq"),
        ('echo "$(cat @ | sed "s/@/x/")" @', "bqb"),
        ("x=$(case $a in b) echo @;; (c|d) echo @;; esac) y=@", "bbb"),
        ("x=$(case @ in esac) y=@", "bb"),
        ("for f in @; do echo @; done", "bb"),
        ('if [ @ = "@" ]; then echo @; fi', "bqb"),
        ("echo @ # it's @\necho @", "bcb"),
        ("echo a#'@'", "r"),
        ("echo ${#x} $# @", "b"),
        ("cat <<EOF\n@ '@' \"@\"\nEOF\necho @", "qqqb"),
        ("cat <<-EOF | wc @\n\t@\n\tEOF\necho @", "bqb"),
        ("cat <<A <<B\n@\nA\n@ $(echo @)\nB\necho @", "qqbb"),
        ("cat <<EOF\nEOF2\n EOF\n@\nEOF\n@", "qr"),
        ('echo "$(cat <<E\n@"\nE\n)" @', "qb"),
        ("a=(@ @)", "bb"),
        ("echo > @ 2>&1 @", "bb"),
        ("env X=1 sh -c 'echo \"$1\"' sh @", "b"),
        ("cd @ && ls @", "bb"),
        ("echo ${x%'}'} @ \"${x%'\"'}\" @", "bb"),
        ("echo $'a' @", "b"),
        ("cat <<<@", "b"),
        ("echo $((1 + (2 * 3))) @", "b"),
        ("f() { echo @; }; f", "b"),
        ("echo a \\\n  @", "b"),
        ("export X=@ Y=@", "bb"),
    ],
)
def test_a_value_goes_in_wherever_a_shell_would_expand_a_variable(text: str, expected: str) -> None:
    """Semantics, "Templates": bare, in double quotes, in a here-document that expands; in a comment it is nothing."""
    assert judged(text) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("echo '@'", "single quotes"),
        ("echo 'a\n@\nb'", "single quotes"),
        ("echo $'@'", "single quotes"),
        ("cat <<'EOF'\n@\nEOF", "delimiter is quoted ('EOF')"),
        ('cat <<-"EOF"\n\t@\n\tEOF', "delimiter is quoted ('EOF')"),
        ("cat <<\\EOF\n@\nEOF", "delimiter is quoted ('EOF')"),
        ("cat <<E'O'F\n@\nEOF", "delimiter is quoted ('EOF')"),
        ("cat <<@\nx\n@", "delimiter"),
        ("echo `echo @`", "backquotes"),
        ("echo $((@ + 1))", "arithmetic"),
        ("(( x = @ ))", "arithmetic"),
        ("echo ${x:-@}", "${ }"),
        ("echo ${x:@}", "${ }"),
        ("a[@]=1", "index"),
        ("[[ @ -eq 1 ]]", "[[ ]]"),
        ("echo \\@", "backslash"),
        ('echo "\\@"', "backslash"),
        ("cat <<E\n\\@\nE", "backslash"),
        ("echo $@", "after a $"),
        ("@ --help", "name of the command"),
        ('"@/bin/tool" --help', "name of the command"),
        ("if @; then :; fi", "name of the command"),
        ("X=1 @", "name of the command"),
        ("exec @", "name of the command"),
        ('eval "echo @"', "eval"),
        ("trap 'x' EXIT; trap \"echo @\" EXIT", "trap"),
        ('sh -c "echo @"', "after -c"),
        ("/bin/bash -ec @", "after -ec"),
        ('echo "@', "never closed"),
        ("echo $(echo @", "never closed"),
        ("echo 'x' ' @", "single quotes"),
        ("echo $'\\'' @", "read differently"),
        ("x=$(cat <<E)\nx\nE\necho @", "read differently"),
        ("echo $[1] @", "read differently"),
        ('echo "${x:-it\'s}" @', "read differently"),
        ("cat <\\\n<E @", "read differently"),
    ],
)
def test_a_value_is_refused_where_it_would_be_code_or_would_not_arrive(text: str, said: str) -> None:
    """Semantics, "Templates": it can never be code; inside single quotes or a quoted here-document it is refused."""
    assert said in scanned(text)[-1].refusal
    assert "\n" not in scanned(text)[-1].refusal


def test_after_a_text_that_is_not_closed_only_what_follows_is_refused() -> None:
    """The line of the opening quote is named."""
    first, second = scanned('echo @\necho "$(x @')
    assert first.refusal == ""
    assert "line 2" in second.refusal


def test_a_text_of_a_megabyte_is_scanned_in_linear_time() -> None:
    """A spec may be that long; nesting costs no recursion."""
    assert judged("echo " + "$(echo " * 50_000 + "@" + ")" * 50_000) == "b"
    assert judged("echo 'x'\n" * 50_000 + "echo @") == "b"


def test_a_place_that_is_read_twice_is_judged_once_and_refused() -> None:
    """Semantics, "Templates": backquotes around the end of a here-document make a shell read one text twice."""
    (hole,) = holes("echo <<E\n`\nE\n" + HOLE + "`")
    assert hole.refusal
