"""One frozen configuration: defaults, under the user's taxiway.toml, the project's, TAXIWAY_… variables, and flags.

Read once, at the door. Every value knows where it came from (``Loaded.origins``): ``taxiway doctor --config`` tells it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import platformdirs

from taxiway.core.duration import parse_duration
from taxiway.core.errors import Invalid, Problem, StoreUnusable
from taxiway.core.fieldtypes import Bad
from taxiway.core.fieldtypes import name as checked_name
from taxiway.core.limits import CANCEL_GRACE_S, RUN_OUTPUT_BYTES_MAX, TERM_GRACE_S
from taxiway.core.nearest import suggestion
from taxiway.planfile.document import Document
from taxiway.planfile.from_toml import from_toml

FILE: Final = "taxiway.toml"
UNLIMITED: Final = "unlimited"
SLOTS_MAX: Final = 10_000
SLOTS_MIN_DEFAULT: Final = 2

#: Variables that a run is given (a Taxiway inside a task sees them), and those that only scripts read.
NOT_SETTINGS: Final = ("TAXIWAY_TASK", "TAXIWAY_RUN", "TAXIWAY_ATTEMPT", "TAXIWAY_PROCESS")
_INPUTS: Final = "TAXIWAY_IN_"
_LATER: Final = {
    "server": "comes with a later version, together with the server",
    "mailbox": "comes with a later version, together with sessions",
    "agents": "comes with a later version, together with agents",
    "accounts": "comes with a later version, together with agents",
}
_LATER_VARIABLES: Final = ("TAXIWAY_URL", "TAXIWAY_TOKEN")


class StoreSection(msgspec.Struct, frozen=True):
    """``path``: the store's file, or ``sqlite:///path``."""

    path: str


class RunnerSection(msgspec.Struct, frozen=True):
    """``slots``: runs at once. A run that is to end is asked, gets SIGTERM after ``ask_grace`` seconds, and SIGKILL
    ``term_grace`` seconds later."""

    slots: int
    ask_grace: float = CANCEL_GRACE_S
    term_grace: float = TERM_GRACE_S


class DefaultsSection(msgspec.Struct, frozen=True):
    """What a task that says nothing gets, in seconds: ``timeout`` (of a run) and ``idle_timeout`` (of its silence)."""

    timeout: float | None = 3600.0
    idle_timeout: float | None = None


class LimitsSection(msgspec.Struct, frozen=True):
    """``run_output_bytes``: how much output of one run is stored; what is more is drained and counted."""

    run_output_bytes: int = RUN_OUTPUT_BYTES_MAX


class SecretSource(msgspec.Struct, frozen=True):
    """Where a secret's value comes from: exactly one of a variable, a file, or a command's standard output."""

    env: str | None = None
    file: str | None = None
    command: tuple[str, ...] | None = None


class Config(msgspec.Struct, frozen=True):
    """Everything that can be set. ``lanes`` are sizes of store-wide lanes by name (``None``: unlimited)."""

    store: StoreSection
    runner: RunnerSection
    defaults: DefaultsSection = DefaultsSection()
    lanes: dict[str, int | None] = {}
    limits: LimitsSection = LimitsSection()
    secrets: dict[str, SecretSource] = {}


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
            self._values[name] = _reader(name)(value)
            self._origins[name] = origin
        except Bad as bad:
            noted = problem or (lambda message, hint: Problem(message, name, origin, hint=hint))
            self.problems.append(noted(bad.message, bad.hint))

    def file(self, path: Path) -> None:
        """Lay a file over what was there."""
        document = _document(path)
        for section, content in document.value.items():
            self._section(path, document, section, content)

    def _section(self, path: Path, document: Document, section: str, content: Any) -> None:
        def problem(message: str, hint: str = "", *steps: str) -> Problem:
            line, column = document.locate((section, *steps)) or (None, None)
            return Problem(message, ".".join((section, *steps)), str(path), line, column, hint)

        if section in _LATER:
            self.problems.append(problem(_LATER[section]))
        elif section not in _SECTIONS:
            self.problems.append(problem("is no section of the configuration", suggestion(section, _SECTIONS)))
        elif not isinstance(content, Mapping):
            self.problems.append(problem("must be a table", f"write [{section}] above it"))
        else:
            for key, value in content.items():
                legal = _SECTIONS[section]
                if legal is not None and key not in legal:
                    self.problems.append(problem("is no setting", suggestion(key, legal), key))
                    continue
                beside = path.parent if (section, key) == ("store", "path") else None
                line, _ = document.locate((section, key)) or (None, None)
                origin = f"{path}:{line}" if line else str(path)
                self.put(
                    f"{section}.{key}",
                    _beside(value, beside),
                    origin,
                    lambda message, hint, key=key: problem(message, hint, key),  # type: ignore[misc]
                )

    def variables(self) -> None:
        """Lay ``TAXIWAY_STORE`` and ``TAXIWAY_SECTION_NAME`` over what was there."""
        for variable, value in sorted(self._around.environ.items()):
            if not variable.startswith("TAXIWAY_") or variable in NOT_SETTINGS or variable.startswith(_INPUTS):
                continue
            if variable in _LATER_VARIABLES:
                self.problems.append(Problem(_LATER["server"], "", variable))
            elif variable in _VARIABLES:
                self.put(_VARIABLES[variable], value, variable)
            else:
                self.problems.append(
                    Problem("is no variable of Taxiway's", "", variable, hint=suggestion(variable, _VARIABLES))
                )

    def loaded(self) -> Loaded:
        """The whole, defaults filled in."""
        around = self._around
        values = {
            "store.path": str(around.user_state / "taxiway.db"),
            "runner.slots": max(SLOTS_MIN_DEFAULT, around.processors),
            **self._values,
        }
        parts: dict[str, dict[str, Any]] = {section: {} for section in _SECTIONS}
        for name, value in values.items():
            section, _, key = name.partition(".")
            parts[section][key] = value
        config = Config(
            store=StoreSection(**parts["store"]),
            runner=RunnerSection(**parts["runner"]),
            defaults=DefaultsSection(**parts["defaults"]),
            lanes=parts["lanes"],
            limits=LimitsSection(**parts["limits"]),
            secrets=parts["secrets"],
        )
        origins = {name: self._origins.get(name, "default") for name in (*_DEFAULTED, *values)}
        return Loaded(config, origins, "store.path" not in self._values)


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


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise Bad("must be a text that is not empty")
    return value


def _whole(low: int, high: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if isinstance(value, str) and value.strip().isdecimal():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise Bad(f"must be a whole number from {low} to {high}")
        return value

    return read


def _duration(value: Any) -> float:
    try:
        return parse_duration(value)
    except Invalid as error:
        raise Bad(error.message) from None


def _clock(value: Any) -> float | None:
    if value == "none":
        return None
    seconds = _duration(value)
    if seconds == 0:
        raise Bad("must be longer than 0", 'write "none" for no limit')
    return seconds


def _size(value: Any) -> int | None:
    return None if value == UNLIMITED else _lane_size(value)


def _lane_size(value: Any) -> int:
    try:
        return _whole(1, SLOTS_MAX)(value)
    except Bad:
        raise Bad(f'must be a whole number from 1 to {SLOTS_MAX}, or "{UNLIMITED}"') from None


def _source(value: Any) -> SecretSource:
    kinds = ("env", "file", "command")
    if not isinstance(value, Mapping):
        raise Bad(
            "must say where the secret is",
            'write {env = "NAME"}, {file = "PATH"} or {command = ["program", "argument"]}',
        )
    for key in value:
        if key not in kinds:
            raise Bad(f"'{key}' is no source of a secret", suggestion(key, kinds) or "env, file or command")
    if len(value) != 1:
        raise Bad("has more than one source, or none", "exactly one of env, file and command")
    match dict(value):
        case {"command": [*words]} if words and all(isinstance(word, str) and word for word in words[:1]):
            return SecretSource(command=tuple(str(word) for word in words))
        case {"command": _}:
            raise Bad("must be a list of texts", '{command = ["program", "argument"]}')
        case {"env": env}:
            return SecretSource(env=_text(env))
        case {"file": file}:
            return SecretSource(file=_text(file))
        case _:
            raise Bad("has no source", "exactly one of env, file and command")


#: The sections, with the settings of each (``None``: any name).
_SECTIONS: Final[Mapping[str, tuple[str, ...] | None]] = {
    "store": ("path",),
    "runner": ("slots", "ask_grace", "term_grace"),
    "defaults": ("timeout", "idle_timeout"),
    "lanes": None,
    "limits": ("run_output_bytes",),
    "secrets": None,
}
_READERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "store.path": _text,
    "runner.slots": _whole(1, SLOTS_MAX),
    "runner.ask_grace": _duration,
    "runner.term_grace": _duration,
    "defaults.timeout": _clock,
    "defaults.idle_timeout": _clock,
    "limits.run_output_bytes": _whole(0, 1 << 40),
}
_DEFAULTED: Final = tuple(_READERS)
_VARIABLES: Final = {
    "TAXIWAY_STORE": "store.path",
    **{f"TAXIWAY_{name.replace('.', '_').upper()}": name for name in _READERS if name != "store.path"},
}


def _reader(name: str) -> Callable[[Any], Any]:
    section, _, key = name.partition(".")
    if section in ("lanes", "secrets"):
        checked_name(key)
        return _size if section == "lanes" else _source
    return _READERS[name]
