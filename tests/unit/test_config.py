"""Configuration: the order of its layers, where each value came from, and every mistake told at once with its place."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from taxiway.config import FILE, Loaded, Surroundings, load, make_state_folder, store_path
from taxiway.core.agent import Adapter, AgentKind
from taxiway.core.agentpresets import PRESETS
from taxiway.core.errors import Invalid
from taxiway.core.ladder import Action, Rung, StuckRules
from taxiway.secretsources import resolve_secrets

Load = Callable[..., Loaded]


@pytest.fixture
def loaded(tmp_path: Path) -> Load:
    """Load with a user's file, a project's file (seen from a folder below it), variables and flags."""

    def read(
        user: str = "", project: str = "", environ: dict[str, str] | None = None, flags: dict[str, Any] | None = None
    ) -> Loaded:
        below = tmp_path / "project" / "deep" / "below"
        below.mkdir(parents=True, exist_ok=True)
        (tmp_path / "user").mkdir(exist_ok=True)
        if user:
            (tmp_path / "user" / FILE).write_text(user)
        if project:
            (tmp_path / "project" / FILE).write_text(project)
        around = Surroundings(environ or {}, below, tmp_path / "user", tmp_path / "state", 6)
        return load(flags or {}, around)

    return read


def problems(error: pytest.ExceptionInfo[Invalid]) -> list[str]:
    """What was wrong, as people see it, without the folder."""
    return [str(problem).rpartition("/")[2] for problem in error.value.problems]


def test_without_files_the_documented_defaults_hold(loaded: Load, tmp_path: Path) -> None:
    """Slots as many as processors, an hour, 10 s then 5 s, the store in the state folder."""
    config = loaded().config
    assert config.runner.slots == 6
    assert (config.runner.ask_grace, config.runner.term_grace) == (10.0, 5.0)
    assert (config.defaults.timeout, config.defaults.idle_timeout) == (3600.0, None)
    assert config.store.path == str(tmp_path / "state" / "taxiway.db")
    assert loaded().store_is_default


def test_each_layer_lies_over_the_one_before_and_says_so(loaded: Load, tmp_path: Path) -> None:
    """A2: defaults < user < project < variables < flags; each value knows its origin with file and line."""
    user = "[runner]\nslots = 1\nask_grace = '1s'\nterm_grace = '1s'\n[defaults]\ntimeout = '1m'\n[lanes]\nio = 2\n"
    project = "[runner]\nslots = 2\nterm_grace = '2s'\n[lanes]\nio = 'unlimited'\n"
    found = loaded(user, project, {"TAXIWAY_RUNNER_SLOTS": "3", "TAXIWAY_STORE": "/v.db"}, {"store.path": "/f.db"})
    assert found.config.runner.slots == 3
    assert (found.config.runner.ask_grace, found.config.runner.term_grace) == (1.0, 2.0)
    assert found.config.lanes == {"io": None}
    assert found.config.store.path == "/f.db"
    assert found.origins["runner.slots"] == "TAXIWAY_RUNNER_SLOTS"
    assert found.origins["runner.term_grace"] == f"{tmp_path}/project/{FILE}:3"
    assert found.origins["defaults.timeout"] == f"{tmp_path}/user/{FILE}:6"
    assert found.origins["defaults.idle_timeout"] == "default"
    assert found.origins["store.path"] == "--store"


def test_the_tenant_is_a_word_that_a_file_or_a_variable_says(loaded: Load) -> None:
    """I10: whose everything is that is done from here; `default` where nobody says."""
    assert loaded().config.store.tenant == "default"
    assert loaded(project="[store]\ntenant = 'acme'\n").config.store.tenant == "acme"
    assert loaded(environ={"TAXIWAY_STORE_TENANT": "umbrella"}).config.store.tenant == "umbrella"
    with pytest.raises(Invalid) as error:
        loaded(project="[store]\ntenant = 'a b'\n")
    assert "a tenant is a word" in problems(error)[0]


def test_every_mistake_is_told_at_once_with_file_line_and_the_nearest_name(loaded: Load) -> None:
    """Unknown sections and keys, values of the wrong kind, sections as well."""
    text = "[runer]\nslots = 1\n[runner]\nslot = 1\nask_grace = 'soon'\n[server]\nport = -1\n[lanes]\nmain = 0\n"
    with pytest.raises(Invalid) as error:
        loaded(project=text)
    assert problems(error) == [
        "taxiway.toml:1:1: runer: is no section of the configuration (did you mean 'runner'?)",
        "taxiway.toml:4:1: runner.slot: is no setting (did you mean 'slots'?)",
        "taxiway.toml:5:1: runner.ask_grace: 'soon' is no duration; write 800ms, 30s, 5m, 1h30m, 2d or a number of"
        " seconds",
        "taxiway.toml:7:1: server.port: must be a whole number from 0 to 65535",
        'taxiway.toml:9:1: lanes.main: must be a whole number from 1 to 10000, or "unlimited"',
    ]
    assert error.value.exit_status == 2


def test_a_file_that_is_no_toml_is_told_with_its_line(loaded: Load) -> None:
    """Not a stack trace, and not a silent default."""
    with pytest.raises(Invalid) as error:
        loaded(project="[runner]\nslots = = 1\n")
    assert ":2:" in problems(error)[0]


def test_an_unknown_variable_is_refused_but_those_of_a_run_are_not(loaded: Load) -> None:
    """A slip must not be ignored; a Taxiway inside a task sees the variables of its run."""
    with pytest.raises(Invalid) as error:
        loaded(environ={"TAXIWAY_STOR": "x"})
    assert problems(error) == [
        "TAXIWAY_STOR: is no variable of Taxiway's (did you mean 'TAXIWAY_STORE'?)",
    ]
    inside = dict.fromkeys([f"TAXIWAY_{word}" for word in "TASK RUN ATTEMPT PROCESS IN_1 URL TOKEN".split()], "x")
    assert loaded(environ=inside).config.runner.slots == 6


def test_a_path_in_a_file_is_meant_from_that_files_folder(loaded: Load, tmp_path: Path) -> None:
    """Wherever in the project one stands, it is the same store."""
    assert loaded(project="[store]\npath = 'work.db'\n").config.store.path == str(tmp_path / "project" / "work.db")


def test_the_folder_of_the_default_store_is_made_for_its_owner_alone(loaded: Load, tmp_path: Path) -> None:
    """B34: 0700; the folder of any other store is not ours to make."""
    make_state_folder(loaded())
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
    make_state_folder(loaded(flags={"store.path": str(tmp_path / "elsewhere" / "x.db")}))
    assert not (tmp_path / "elsewhere").exists()


def test_a_store_is_a_path_or_a_url_of_one() -> None:
    """What this version cannot open is said in a sentence."""
    assert store_path("sqlite:////a/b.db") == store_path("/a/b.db") == Path("/a/b.db")
    with pytest.raises(Invalid, match="no store that this version knows"):
        store_path("postgresql://host/db")


def test_secrets_come_from_a_variable_a_file_or_a_command(loaded: Load, tmp_path: Path) -> None:
    """Resolved only when asked; one line end goes, everything else stays (I11)."""
    (tmp_path / "token").write_text(" in-a-file \n\n")
    text = f"""
    [secrets]
    a = {{env = "A_SECRET"}}
    b = {{file = "{tmp_path}/token"}}
    c = {{command = ["printf", "%s", "by-a-command"]}}
    """
    sources = loaded(project=text).config.secrets
    values = resolve_secrets(sources, {"A_SECRET": "in-a-variable"})
    assert values == {"a": "in-a-variable", "b": " in-a-file \n", "c": "by-a-command"}


def test_a_secret_that_cannot_be_had_is_named_and_its_value_is_not(loaded: Load) -> None:
    """Too short to be taken out of output, missing, or a command that fails; all of them at once (I11)."""
    text = """
    [secrets]
    short = {env = "SHORT"}
    missing = {env = "MISSING"}
    nofile = {file = "/nonexistent/secret"}
    failing = {command = ["sh", "-c", "echo hunter2; exit 3"]}
    """
    with pytest.raises(Invalid) as error:
        resolve_secrets(loaded(project=text).config.secrets, {"SHORT": "pin"})
    told = "\n".join(str(problem) for problem in error.value.problems)
    assert "secrets.short: its value has 3 characters" in told
    assert "secrets.missing: the variable MISSING is not set on this runner" in told
    assert "secrets.nofile: the file /nonexistent/secret cannot be read: No such file or directory" in told
    assert "secrets.failing: the command sh ended with status 3" in told
    assert "hunter2" not in told
    assert ": pin" not in told


@pytest.mark.parametrize("source", ['"plain"', "{}", '{env = "A", file = "b"}', "{command = []}", '{vault = "x"}'])
def test_a_secret_stands_for_a_place_never_for_a_value(loaded: Load, source: str) -> None:
    """A value in the file, no source, two sources, or one that does not exist: refused with what would be right."""
    with pytest.raises(Invalid):
        loaded(project=f"[secrets]\ntoken = {source}\n")


AGENT = """
[secrets]
token = {env = "TOKEN"}
[agents.coder]
command = ["coder", "--json", ["--resume", "{thread}"], "--model={model}"]
env = {API_TOKEN = "secret://token", LEVEL = 3}
warm = "10m"
"""


def test_an_agent_is_read_with_its_defaults(loaded: Load) -> None:
    """What is not said has its default; arguments in a list stay together."""
    assert set(loaded().config.agents) == set(PRESETS)
    kind = loaded(project=AGENT).config.agents["coder"]
    assert kind == AgentKind(
        command=("coder", "--json", ("--resume", "{thread}"), "--model={model}"),
        env={"API_TOKEN": "secret://token", "LEVEL": "3"},
        warm_s=600.0,
    )
    assert (kind.adapter, kind.start_s) == (Adapter.LINES, 30.0)


def test_an_agent_may_be_changed_by_the_project_field_by_field(loaded: Load, tmp_path: Path) -> None:
    """The user's file says how it is started, the project's what model it takes; each field knows where it is from."""
    found = loaded(user=AGENT, project="[agents.coder]\nmodel = 'small'\n[defaults]\nagent = 'coder'\n")
    assert (found.config.agents["coder"].model, found.config.agents["coder"].warm_s) == ("small", 600.0)
    assert found.origins["agents.coder.model"] == f"{tmp_path}/project/{FILE}:2"
    assert found.origins["agents.coder.warm"] == f"{tmp_path}/user/{FILE}:7"
    assert found.config.defaults.agent == "coder"


def test_an_agents_name_may_hold_a_dot(loaded: Load) -> None:
    """It is a name like any other, and a bad one is refused; the field is what follows the last dot."""
    with pytest.raises(Invalid) as error:
        loaded(project="[agents.'a b']\ncommand = ['x']\n")
    assert "'a b' is no name" in str(error.value.problems[0])
    assert "a.b" in loaded(project="[agents.'a.b']\ncommand = ['x']\n").config.agents


def test_a_known_agent_needs_no_configuration_and_takes_any(loaded: Load) -> None:
    """Its preset holds where nothing is said; by ``preset`` any agent takes it, and each field may differ."""
    kinds = loaded().config.agents
    assert kinds["codex"].adapter is Adapter.CODEX
    assert not any(name.startswith("agents.") for name in loaded().origins)
    text = "[agents.codex]\nmodel = 'big'\n[agents.reviewer]\npreset = 'codex'\ncommand = ['/opt/codex']\n"
    kinds = loaded(project=text).config.agents
    assert (kinds["codex"].command, kinds["codex"].model) == (PRESETS["codex"].fields["command"], "big")
    assert (kinds["reviewer"].adapter, kinds["reviewer"].command) == (Adapter.CODEX, ("/opt/codex",))
    with pytest.raises(Invalid) as error:
        loaded(project="[agents.a]\npreset = 'codx'\n")
    assert "'codx' is no preset (did you mean 'codex'?)" in str(error.value.problems[0])


def test_every_mistake_in_an_agent_is_told_with_its_place(loaded: Load) -> None:
    """Unknown keys with the nearest one, values of the wrong kind, fields of the other adapter, a missing command."""
    text = """[agents.a]
comand = ["x"]
adapter = "lime"
warm = "soon"
[agents.b]
command = ["x", {a = 1}, ["--flag", "value"]]
columns = 0
[agents.c]
command = ["{model}"]
[agents]
d = "x"
"""
    with pytest.raises(Invalid) as error:
        loaded(project=text)
    assert problems(error) == [
        "taxiway.toml:2:1: agents.a.comand: is no setting (did you mean 'command'?)",
        "taxiway.toml:3:1: agents.a.adapter: 'lime' is no adapter (did you mean 'lines'?)",
        "taxiway.toml:4:1: agents.a.warm: 'soon' is no duration; write 800ms, 30s, 5m, 1h30m, 2d or a number of"
        " seconds",
        "taxiway.toml:6:1: agents.b.command: must be a text, not a table",
        "taxiway.toml:6:1: agents.b.command: is a list for arguments that are left out together, and none of them can"
        " be (it names no {thread}, {model}, {access})",
        "taxiway.toml:7:1: agents.b.columns: must be from 1 to 1000, and 0 is not",
        "taxiway.toml:9:1: agents.c.command: must name the program with its first item, which is always there",
        "taxiway.toml:11:1: agents.d: must be a table (write [agents.d] above it)",
    ]


def test_what_fields_of_an_agent_need_of_each_other_is_judged_when_all_files_are_read(loaded: Load) -> None:
    """A command, the right adapter, a secret that is declared, and a default agent that exists."""
    text = """[defaults]
agent = "cider"
[agents.coder]
command = ["x"]
quiet = "1s"
env = {TOKEN = "secret://tokn"}
[agents.half]
model = "m"
"""
    with pytest.raises(Invalid) as error:
        loaded(project=text)
    assert problems(error) == [
        'taxiway.toml:5: agents.coder.quiet: is for agents on a terminal: adapter = "pty"',
        "taxiway.toml:6: agents.coder.env: TOKEN names a secret that does not exist; declare tokn under [secrets]",
        "taxiway.toml:8: agents.half: has no command; write command = [program, argument, …], or"
        " preset = NAME of a known agent",
        "taxiway.toml:2: defaults.agent: there is no agent 'cider' (did you mean 'coder'?)",
    ]
    assert loaded(user=AGENT, project="[agents.coder]\nadapter = 'pty'\nquiet = '1s'\n").config.agents


def test_accounts_and_prices_are_tables_by_name(loaded: Load) -> None:
    """Limits and homes of accounts, prices of models; a model's name may hold a dot."""
    text = """[agents.coder]
command = ["x"]
account = "team"
[accounts.team]
limit = 3
env = {HOME = "/srv/team", KEY = "secret://key"}
[secrets]
key = {env = "KEY"}
[prices."m-5.1"]
input = 1.25
output = 10
"""
    config = loaded(project=text).config
    assert (config.accounts["team"].limit, config.agents["coder"].account) == (3, "team")
    assert (config.prices["m-5.1"].input, config.prices["m-5.1"].cached) == (1.25, None)


def test_every_mistake_in_an_account_is_told_with_its_place(loaded: Load) -> None:
    """An account that does not exist, a limit that lets nothing start, a secret that nobody declared."""
    with pytest.raises(Invalid) as error:
        loaded(project="[accounts.team]\nlimit = 0\nhome = 'x'\n[prices.m]\ninput = 'much'\n")
    assert [line.split(":", 3)[3].strip() for line in problems(error)] == [
        "accounts.team.limit: must be from 1 to 100000, and 0 is not",
        "accounts.team.home: is no setting",
        "prices.m.input: must be a number, not a text",
    ]
    with pytest.raises(Invalid) as error:
        loaded(
            project="[agents.a]\ncommand = ['x']\naccount = 'teem'\n[accounts.team]\nenv = {KEY = 'secret://nobody'}\n"
        )
    told = "\n".join(problems(error))
    assert "there is no account 'teem'" in told
    assert "did you mean 'team'?" in told
    assert "KEY names a secret that does not exist" in told


def test_a_price_needs_both_of_its_sides(loaded: Load) -> None:
    """What is read costs something else than what is written."""
    with pytest.raises(Invalid) as error:
        loaded(project="[prices.m]\ninput = 1\n")
    assert "prices.m: has no output" in problems(error)[0]


def test_what_is_done_about_turns_that_stand_still_is_configured_for_all_and_for_one(loaded: Load) -> None:
    """``[stuck]``, and ``[agents.NAME.stuck]`` over it; in a variable a ladder is a text."""
    text = """[stuck]
quiet = "1m"
silent = [{after = "2m", do = "note"}, {after = "1h", do = "fail"}]
[agents.a]
command = ["x"]
[agents.a.stuck]
resumes = 3
silent = []
"""
    found = loaded(project=text, environ={"TAXIWAY_STUCK_PAUSING": "note 1m", "TAXIWAY_STUCK_RESUMES": "2"})
    stuck = found.config.stuck
    assert (stuck.quiet, stuck.resumes) == (60.0, 2)
    assert stuck.silent == (Rung(120.0, Action.NOTE), Rung(3600.0, Action.FAIL))
    assert stuck.pausing == (Rung(60.0, Action.NOTE),)
    assert stuck.working == StuckRules().working
    assert found.config.agents["a"].stuck == {"resumes": 3, "silent": ()}


def test_every_mistake_in_a_ladder_is_told_with_its_place(loaded: Load) -> None:
    """Unknown keys with the nearest one, at any depth."""
    text = """[stuck]
silnt = []
working = [{after = "soon", do = "knock"}]
[agents.a]
command = ["x"]
[agents.a.stuck]
resumes = -1
stnding = []
"""
    with pytest.raises(Invalid) as error:
        loaded(project=text)
    assert problems(error) == [
        "taxiway.toml:2:1: stuck.silnt: is no setting (did you mean 'silent'?)",
        "taxiway.toml:3:1: stuck.working: 0.after: 'soon' is no duration; write 800ms, 30s, 5m, 1h30m, 2d or a number"
        " of seconds",
        "taxiway.toml:3:1: stuck.working: 0.do: 'knock' is no action (one of note, nudge, interrupt, resume, fail)",
        "taxiway.toml:6:1: agents.a.stuck: resumes: must be from 0 to 100, and -1 is not",
        "taxiway.toml:6:1: agents.a.stuck: stnding: is no setting (did you mean 'standing'?)",
    ]
