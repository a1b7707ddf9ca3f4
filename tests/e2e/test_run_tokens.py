"""A run asks for runs: by the command line, at home and on a runner elsewhere, with nothing but its environment."""

import json
import sys
from http.cookies import SimpleCookie
from urllib.parse import urlencode
from urllib.request import Request, urlopen

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
    kept = [path for path in cli.folder.rglob("*") if path.is_file() and ".tokens" not in str(path.parent)]
    assert [path for path in kept if b"txr_" in path.read_bytes()] == []


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


def sign_in(link: str) -> str:
    """What a browser does with a link; the name of the cookie that it gets."""
    page, _, code = link.partition("#")
    url = page.removesuffix("/login")
    form = Request(page, urlencode({"code": code}).encode(), {"origin": url})
    with urlopen(form) as answer:
        cookies = SimpleCookie(answer.headers["set-cookie"])
    (cookie,) = cookies.values()
    asked = Request(f"{url}/v1/tasks", headers={"cookie": f"{cookie.key}={cookie.value}"})
    with urlopen(asked) as answer:
        assert b'"items"' in answer.read()
    return cookie.key


def test_the_links_that_are_printed_sign_a_browser_in(taxiway: CommandLine) -> None:
    """4.2: by `up`, and by `token link`: at the store for its owner, with --url for whoever's token is shown."""
    server = taxiway.start("--json", "up", "--slots", "0", "--port", "0")
    assert server.stdout is not None
    told = json.loads(server.stdout.readline())
    port = told["url"].rpartition(":")[2]
    assert sign_in(told["link"]) == f"taxiway-{port}"
    here = taxiway("token", "link").stdout.strip()
    assert here.startswith("http://127.0.0.1:8787/login#txw_")
    sign_in(here.replace(":8787/", f":{port}/"))
    sign_in(taxiway.json("--url", told["url"], "token", "link")["link"])
    bearers = [(one["name"], one["scope"], one["browser"]) for one in taxiway.json("token", "list")["items"]]
    assert bearers == [("owner", "admin", None)] + [("owner", "admin", "session")] * 3
    assert "(browser)" in taxiway("token", "list").stdout
    taxiway("token", "revoke", "owner")
    assert {one["revoked_at"] is None for one in taxiway.json("token", "list")["items"]} == {False}
    taxiway.interrupt(server)
    server.communicate(timeout=30)
