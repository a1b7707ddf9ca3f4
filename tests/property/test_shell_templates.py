"""Real shells: whatever hostile value is put in, the program sees exactly that text, and nothing of it is executed."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taxiway.core.shellscan import HOLE, holes
from taxiway.core.task import Dependency, TaskSpec
from taxiway.core.template import Value, render

SHELLS = [path for path in (shutil.which("sh"), shutil.which("bash")) if path]
P = "${{ t.output }}"

# Each prints the value once, between < and >. What `$( )` would strip of the value's end is held by a dot.
SHOWS = [
    f"printf '<%s>' {P}",
    f"printf '<%s>' \"{P}\"",
    f"printf '<%s>' ''{P}\"\"",
    f"printf '<%s%s' {P} '>'",
    f'v={P}; printf "<%s>" "$v"',
    f"v={P} && printf '%s' \"<$v\"'>'",
    f'for v in {P}; do printf "<%s>" "$v"; done',
    f'f() {{ printf "<%s>" "$1"; }}\nf {P}',
    f'sh -c \'printf "<%s>" "$1"\' sh {P}',
    f'if [ {P} = "$EXPECTED" ]; then printf "<%s>" "$EXPECTED"; fi',
    f'case {P} in "$EXPECTED") printf "<%s>" "$EXPECTED";; esac',
    f"v=\"$(printf '%s.' {P})\"; printf '<%s>' \"${{v%.}}\"",
    f"v=$(case x in (x) printf '%s.' \"{P}\";; esac); printf '<%s>' \"${{v%'.'}}\"",
    f"printf '<'; cat <<EOF | head -c -1; printf '>'\n{P}\nEOF\n",
    f"printf '<'; cat <<-EOF | head -c -1; printf '>'\n\t{P}\n\tEOF\n",
    f"v=\"$(cat <<E1; cat <<'E2'\n{P}.\nE1\n'\nE2\n)\"; v=${{v%???}}; printf '<%s>' \"$v\"",
    f"( printf '<%s>' {P} ) | {{ cat; }}",
    f"export V={P}; printf '<%s>' \"$V\" # '{P}' \" `",
]
# Each prints nothing, and holds what a careless reader would stumble over.
NOISE = [
    ":",
    ": '\"$('",
    ': "\'" \\\' \\" \\\\',
    "# it's \" ` $( ${ <<EOF",
    ": a#' '",
    "cat >/dev/null <<'X Y'\n' \" ` $( ${\nX Y",
    'cat >/dev/null <<Z\n\' " \\` \\$( $(echo "\'")\nZ',
    ": $((1 + (2 * 3))) $(echo ')' \"(\" \\))",
    ': "${HOME%\'}\'}" ${HOME%\'}\'} "${HOME#"\'"}"',
    ": `echo \"'\" '\"'`",
    "case x in a) : ';;' ;; esac",
    ": \\\n'#'",
    "v=$(echo a # ) ' \"\n)",
]
HOSTILE = [
    "$(touch PWNED)",
    "`touch PWNED`",
    "; touch PWNED;",
    "'; touch PWNED; '",
    '"; touch PWNED; "',
    "\n touch PWNED \n",
    "a[$(touch PWNED)]",
    "EOF\ntouch PWNED\n",
    "E1\n",
    "| touch PWNED &",
    "* ? [a-z] ~ {a,b} !! -n -- \\ \\\\ \t  \r\x1b[0m \x7f",
    "${HOME} $0 $$ %s %n \\n \\c",
]
values = st.one_of(
    st.sampled_from(HOSTILE),
    st.lists(st.sampled_from([*HOSTILE, "é", "\N{GRINNING FACE}", "a", " "]), max_size=5).map("".join),
    st.text(max_size=40),
    st.text("'\"`$(){};&|<>\\\n #*EOF", max_size=30),
)


def spawn(shell: str, text: str, folder: Path, env: dict[str, str]) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [shell, "-c", text], cwd=folder, env=env, capture_output=True, stdin=subprocess.DEVNULL, timeout=60, check=False
    )


@pytest.mark.parametrize("shell", SHELLS)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(NOISE), st.sampled_from(SHOWS)), min_size=1, max_size=4), values)
def test_a_hostile_value_arrives_whole_and_runs_nothing(
    shell: str, tmp_path: Path, pieces: list[tuple[str, str]], value: str
) -> None:
    """Semantics, "Templates": the value travels in the environment, so it can never be code."""
    text = "\n".join(line for piece in pieces for line in piece)
    done = render(TaskSpec(shell=text, template=True, after=(Dependency("t"),)), {"t": Value(output=value + "\n")})
    seen = done.env["TAXIWAY_IN_1"]
    assert done.shell is not None
    env = {"PATH": os.environ["PATH"], "HOME": "/h", "EXPECTED": seen, **done.env}
    result = spawn(shell, done.shell, tmp_path, env)
    assert (result.stderr, result.returncode) == (b"", 0)
    assert result.stdout == b"".join(b"<" + os.fsencode(seen) + b">" for _ in pieces)
    assert list(tmp_path.iterdir()) == []


ATOMS = [
    *"'\"\\$(){}`# \n;|[]",
    *("$(", "$((", "))", "${x", "${x:-", "${x%", "<<E\n", "<<'E'\n", "<<-E\n", "\nE\n", "\n\tE\n", "$'", "\\'", "\\\n"),
    *(
        "a",
        "b ",
        ":",
        "x=",
        "echo ",
        "eval ",
        "<<<",
        "((",
        "case a in a) :;; esac\n",
        "if :; then ",
        "fi\n",
        "{ ",
        "; }",
    ),
]
UNREADABLE = (
    b"yntax error",
    b"nterminated",
    b"nexpected",
    b"EOF in",
    b"ad substitution",
    b"not found",
    b"No such",
    b"valid",
)
UNREADABLE += b"denied", b"annot", b"rithmetic", b"missing", b"ambiguous", b"nonexistent", b"command", b"irectory"


@pytest.mark.parametrize("shell", SHELLS)
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(ATOMS), max_size=8), st.lists(st.sampled_from(ATOMS), max_size=5))
def test_what_the_scanner_accepts_is_expanded_by_the_shell_and_never_run(
    shell: str, tmp_path: Path, before: list[str], after: list[str]
) -> None:
    """An oracle: with the variable unset and ``set -u``, a shell that expands it complains, and one that does not
    (single quotes, a quoted here-document) is silent. No program can be found, so nothing but the shell acts."""
    text = "".join(["echo ", *before, HOLE, *after])
    (hole,) = holes(text)
    if hole.refusal or hole.comment:
        return
    written = text.replace(HOLE, '"${TAXIWAY_IN_1}"' if hole.bare else "${TAXIWAY_IN_1}")
    env = {"PATH": "/nonexistent", **dict.fromkeys(("x", "a", "b", "ab", "aa", "ba", "bb", "echo", "fi", "eval"), "v")}
    hostile = "$(echo>PWNED)`echo>PWNED`;echo>PWNED;'\"a[$(echo>PWNED)]\nE\necho>PWNED\n"
    spawn(shell, written, tmp_path, {**env, "TAXIWAY_IN_1": hostile})
    assert not (tmp_path / "PWNED").exists()
    said = spawn(shell, f"set -u\n{written}", tmp_path, env).stderr
    assert b"TAXIWAY_IN_1" in said or any(word in said for word in UNREADABLE)
