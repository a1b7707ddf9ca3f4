"""One frozen configuration: defaults, under the user's taxiway.toml, the project's, TAXIWAY_… variables, and flags.

Read once, at the door. Every value knows where it came from (``Loaded.origins``): ``taxiway doctor --config`` tells it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec
import platformdirs

from taxiway.core.accountfields import AccountKind
from taxiway.core.agent import AgentKind
from taxiway.core.agentfields import agent_kind, agent_mistakes, fields_of, unknown_secrets
from taxiway.core.agentpresets import PRESETS, with_preset
from taxiway.core.errors import Invalid, Problem, StoreUnusable
from taxiway.core.fieldtypes import Bad
from taxiway.core.ladder import StuckRules
from taxiway.core.nearest import suggestion
from taxiway.core.price import Price
from taxiway.planfile.document import Document
from taxiway.planfile.from_toml import from_toml
from taxiway.sections import (
    ApprovalsSection,
    DefaultsSection,
    LimitsSection,
    LogSection,
    MailboxSection,
    RunnerSection,
    ServerSection,
    StoreSection,
)
from taxiway.settingtable import DEFAULTED, SECTIONS, TABLES, VARIABLES, reader_of
from taxiway.settingtable import table_setting as table_setting
from taxiway.settingtypes import UNLIMITED as UNLIMITED
from taxiway.settingtypes import SecretSource as SecretSource

FILE: Final = "taxiway.toml"
SLOTS_MIN_DEFAULT: Final = 2

#: Variables that a run is given (a Taxiway inside a task sees them), and those that only scripts read.
NOT_SETTINGS: Final = (
    *("TAXIWAY_TASK", "TAXIWAY_RUN", "TAXIWAY_ATTEMPT", "TAXIWAY_PROCESS"),
    *("TAXIWAY_URL", "TAXIWAY_TOKEN", "TAXIWAY_TOKEN_FILE"),  # which server is asked
)
_INPUTS: Final = "TAXIWAY_IN_"


class Config(msgspec.Struct, frozen=True):
    """Everything that can be set. ``lanes`` are sizes of store-wide lanes by name (``None``: unlimited), ``prices``
    those of models by name, in dollars for a million tokens."""

    store: StoreSection
    runner: RunnerSection
    defaults: DefaultsSection = DefaultsSection()
    lanes: dict[str, int | None] = {}
    mailbox: MailboxSection = MailboxSection()
    limits: LimitsSection = LimitsSection()
    approvals: ApprovalsSection = ApprovalsSection()
    server: ServerSection = ServerSection()
    stuck: StuckRules = StuckRules()
    log: LogSection = LogSection()
    secrets: dict[str, SecretSource] = {}
    agents: dict[str, AgentKind] = {}
    accounts: dict[str, AccountKind] = {}
    prices: dict[str, Price] = {}


class Loaded(msgspec.Struct, frozen=True):
    """A configuration, and for each value (``runner.slots``) where it came from."""

    config: Config
    origins: dict[str, str]
    store_is_default: bool

    @property
    def base(self) -> str:
        """Where ``store.path`` came from, in words."""
        return self.origins["store.path"]


class Surroundings(msgspec.Struct, frozen=True):
    """What a configuration is read from: variables, the present folder, the user's folders, how many processors."""

    environ: Mapping[str, str]
    folder: Path
    user_config: Path
    user_state: Path
    processors: int


def surroundings() -> Surroundings:
    """Those of this process."""
    return Surroundings(
        environ=dict(os.environ),
        folder=Path.cwd(),
        user_config=platformdirs.user_config_path("taxiway"),
        user_state=platformdirs.user_state_path("taxiway"),
        processors=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
    )


def load(flags: Mapping[str, Any], around: Surroundings) -> Loaded:
    """The configuration that holds here; ``flags`` are values by dotted name (``store.path``), ``None``: not given.

    Raises ``Invalid`` with every problem: unknown keys with the nearest legal name, values of the wrong kind.
    """
    layers = _Layers(around)
    for path in _files(around):
        layers.file(path)
    layers.variables()
    for name, value in flags.items():
        if value is not None:
            layers.put(name, value, "--" + name.rpartition(".")[2].replace("path", "store"))
    layers.together()
    if layers.problems:
        raise Invalid("the configuration cannot be used", layers.problems)
    return layers.loaded()


def wants_colour() -> bool:
    """Whether colours are welcome where there is a terminal: ``NO_COLOR`` is not set to anything."""
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def store_path(store: str | Path) -> Path:
    """The file that a store's name means: a path, or ``sqlite:///path``."""
    text = str(store)
    if text.startswith("sqlite:///"):
        return Path(text.removeprefix("sqlite:///"))
    if "://" in text:
        raise Invalid(f"'{text}' is no store that this version knows; name a file, or sqlite:///path")
    return Path(text)


def make_state_folder(loaded: Loaded) -> None:
    """Make the folder of the default store, closed to everybody else; any other folder is its owner's to make."""
    if loaded.store_is_default:
        folder = Path(loaded.config.store.path).parent
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StoreUnusable(f"the folder {folder} cannot be made: {error.strerror}", path=str(folder)) from error


def _files(around: Surroundings) -> list[Path]:
    """The user's file, then the nearest one in the present folder or above it."""
    user = around.user_config / FILE
    project = next((at / FILE for at in (around.folder, *around.folder.parents) if (at / FILE).is_file()), None)
    return [path for path in dict.fromkeys((user, project)) if path is not None and path.is_file()]


class _Layers:
    """Values by dotted name, each layer over the one before."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._values: dict[str, Any] = {}
        self._origins: dict[str, str] = {}
        self.problems: list[Problem] = []

    def put(self, name: str, value: Any, origin: str, problem: Callable[[str, str], Problem] | None = None) -> None:
        """Lay one value over what was there, once it has been read by its reader."""
        try:
            self._values[name] = reader_of(name)(value)
            self._origins[name] = origin
        except Bad as bad:
            noted = problem or (lambda message, hint: Problem(message, name, origin, hint=hint))
            self.problems += [noted(one.placed, one.hint) for one in (bad, *bad.others)]

    def file(self, path: Path) -> None:
        """Lay a file over what was there."""
        document = _document(path)
        for section, content in document.value.items():
            self._section(path, document, section, content)

    def _section(self, path: Path, document: Document, section: str, content: Any) -> None:
        problem = partial(_problem, path, document)
        if section not in SECTIONS:
            hint = suggestion(section, SECTIONS)
            self.problems.append(problem((section,), "is no section of the configuration", hint))
        elif not isinstance(content, Mapping):
            self.problems.append(problem((section,), "must be a table", f"write [{section}] above it"))
        elif section not in TABLES:
            self._fields(path, document, (section,), content, SECTIONS[section])
        else:
            for name, fields in content.items():
                if isinstance(fields, Mapping):
                    self._fields(path, document, (section, name), fields, TABLES[section])
                else:
                    hint = f"write [{section}.{name}] above it"
                    self.problems.append(problem((section, name), "must be a table", hint))

    def _fields(
        self, path: Path, document: Document, table: tuple[str, ...], content: Any, legal: Collection[str] | None
    ) -> None:
        for key, value in content.items():
            steps = (*table, key)
            problem = partial(_problem, path, document, steps)
            if legal is not None and key not in legal:
                self.problems.append(problem("is no setting", suggestion(key, legal)))
                continue
            beside = path.parent if steps == ("store", "path") else None
            line, _ = document.locate(steps) or (None, None)
            self.put(".".join(steps), _beside(value, beside), f"{path}:{line}" if line else str(path), problem)

    def together(self) -> None:
        """Look at what values need of each other, when all layers are laid and each can be taken for itself."""
        if self.problems:
            return
        agents = self._agents()
        secrets = {name.removeprefix("secrets.") for name in self._values if name.startswith("secrets.")}
        for name, fields in agents.items():
            for field, message in agent_mistakes(fields, secrets):
                at = f"agents.{name}.{field}"
                said = at if field and at in self._origins else next(key for key in self._origins if _of(key, name))
                self.problems.append(Problem(message, at if field else f"agents.{name}", self._origins[said]))
        self._accounts_together(agents, secrets)
        self._prices_together()
        wanted = self._values.get("defaults.agent")
        if wanted is not None and wanted not in agents:
            hint = suggestion(wanted, agents) or f"write [agents.{wanted}]"
            origin = self._origins["defaults.agent"]
            self.problems.append(Problem(f"there is no agent '{wanted}'", "defaults.agent", origin, hint=hint))

    def _accounts_together(self, agents: Mapping[str, Mapping[str, Any]], secrets: Collection[str]) -> None:
        accounts = self._tables("accounts")
        for name, fields in agents.items():
            account = fields.get("account")
            if account is not None and account not in accounts:
                at, hint = f"agents.{name}.account", suggestion(account, accounts) or f"write [accounts.{account}]"
                self.problems.append(Problem(f"there is no account '{account}'", at, self._origins[at], hint=hint))
        for name, fields in accounts.items():
            for message in unknown_secrets(fields.get("env", {}), secrets):
                at = f"accounts.{name}.env"
                self.problems.append(Problem(message, at, self._origins[at]))

    def _prices_together(self) -> None:
        for name, fields in self._tables("prices").items():
            for missing in sorted({"input", "output"} - fields.keys()):
                origin = self._origins[f"prices.{name}.{next(iter(fields))}"]
                self.problems.append(Problem(f"has no {missing}", f"prices.{name}", origin))

    def _tables(self, section: str) -> dict[str, dict[str, Any]]:
        """The fields of each agent, account or price."""
        tables: dict[str, dict[str, Any]] = {}
        for full, value in self._values.items():
            if full.startswith(section + "."):
                name, field = table_setting(full)
                tables.setdefault(name, {})[field] = value
        return tables

    def _agents(self) -> dict[str, dict[str, Any]]:
        """The fields of each agent, those that are known by name among them."""
        agents = {**{name: {} for name in PRESETS}, **self._tables("agents")}
        return {name: with_preset(name, fields) for name, fields in agents.items()}

    def variables(self) -> None:
        """Lay ``TAXIWAY_STORE`` and ``TAXIWAY_SECTION_NAME`` over what was there."""
        for variable, value in sorted(self._around.environ.items()):
            if not variable.startswith("TAXIWAY_") or variable in NOT_SETTINGS or variable.startswith(_INPUTS):
                continue
            if variable in VARIABLES:
                self.put(VARIABLES[variable], value, variable)
            else:
                self.problems.append(
                    Problem("is no variable of Taxiway's", "", variable, hint=suggestion(variable, VARIABLES))
                )

    def loaded(self) -> Loaded:
        """The whole, defaults filled in."""
        around = self._around
        values = {
            "store.path": str(around.user_state / "taxiway.db"),
            "runner.slots": max(SLOTS_MIN_DEFAULT, around.processors),
            **self._values,
        }
        parts: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
        for name, value in values.items():
            section, _, key = name.partition(".")
            parts[section][key] = value
        config = Config(
            store=StoreSection(**parts["store"]),
            runner=RunnerSection(**parts["runner"]),
            defaults=DefaultsSection(**parts["defaults"]),
            lanes=parts["lanes"],
            mailbox=MailboxSection(**parts["mailbox"]),
            limits=LimitsSection(**parts["limits"]),
            approvals=ApprovalsSection(**parts["approvals"]),
            server=ServerSection(**parts["server"]),
            stuck=StuckRules(**parts["stuck"]),
            log=LogSection(**parts["log"]),
            secrets=parts["secrets"],
            agents={name: agent_kind(fields) for name, fields in self._agents().items()},
            accounts={name: AccountKind(**fields) for name, fields in self._tables("accounts").items()},
            prices={name: Price(**fields) for name, fields in self._tables("prices").items()},
        )
        said = {table_setting(name)[0] for name in values if name.startswith("agents.")}
        implied = [f"agents.{name}.{field}" for name in said for field in fields_of(config.agents[name])]
        origins = {name: self._origins.get(name, "default") for name in (*DEFAULTED, *implied, *values)}
        return Loaded(config, origins, "store.path" not in self._values)


def _of(setting: str, agent: str) -> bool:
    return setting.startswith("agents.") and table_setting(setting)[0] == agent


def _problem(path: Path, document: Document, steps: tuple[str, ...], message: str, hint: str = "") -> Problem:
    line, column = document.locate(steps) or (None, None)
    return Problem(message, ".".join(steps), str(path), line, column, hint)


def _document(path: Path) -> Document:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8"
        raise Invalid(
            f"{path} cannot be read: {reason}", [Problem(f"cannot be read: {reason}", "", str(path))]
        ) from None
    return from_toml(text, str(path))


def _beside(value: Any, folder: Path | None) -> Any:
    """A path in a file is meant from that file's folder."""
    if folder is None or not isinstance(value, str) or "://" in value:
        return value
    return str(folder / Path(value).expanduser())
