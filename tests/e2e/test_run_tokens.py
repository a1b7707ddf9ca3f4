"""A run asks for runs: by the command line, at home and on a runner elsewhere, with nothing but its environment."""

import sys

from tests.e2e.conftest import ROOT, CommandLine
from tests.e2e.test_remote_runners import Site

OWN = f"PYTHONPATH={ROOT / 'src'} {sys.executable} -m taxiway"
ASKS = (
    f"{OWN} submit --name child --wait --shell 'echo I am a child' && ! {OWN} task show stranger && ! {OWN} task list"
)


def check_asked(cli: CommandLine, parent: str) -> None:
    """What it asked for was done, in its name; what is another's it has not seen."""
    shown = cli.json("task", "show", parent)
    assert (shown["state"], shown["exit_code"]) == ("completed", 0), cli("task", "logs", parent).stdout
    child = cli.json("task", "show", "child")
    assert child["output"] == "I am a child\n"
    assert child["submitted_by"].startswith("run_")
    assert shown["submitted_by"] is None
    assert "txr_" not in cli("task", "logs", parent).stdout


def test_a_command_under_a_server_asks_for_another_one(taxiway: CommandLine) -> None:
    """4.5: TAXIWAY_URL and the file of its token are all that it needs."""
    server = taxiway.start("--json", "up", "--slots", "2", "--port", "0")
    assert server.stdout is not None
    server.stdout.readline()
    taxiway("submit", "--name", "stranger", "--shell", "sleep 60", "--delay", "3600")
    parent = taxiway.json("submit", "--shell", ASKS)["id"]
    taxiway("task", "wait", parent)
    check_asked(taxiway, parent)
    taxiway.interrupt(server)
    server.communicate(timeout=30)


def test_a_command_on_a_runner_elsewhere_asks_for_another_one(taxiway: CommandLine) -> None:
    """4.5: the server sends the token with the claim."""
    site = Site(taxiway)
    runner = site.working()
    taxiway("submit", "--name", "stranger", "--shell", "sleep 60", "--delay", "3600")
    parent = site.shell(ASKS)
    site.until(parent, "completed")
    check_asked(taxiway, parent)
    for program in (runner, site.server):
        taxiway.interrupt(program)
        program.communicate(timeout=30)
