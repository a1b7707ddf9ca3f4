"""A script's file as a value: JSON, or YAML as YAML 1.2 means it (``no`` and ``on`` are texts)."""

from __future__ import annotations

import importlib
import json
import re
from typing import Any, Final

from .script import Script, ScriptError, script_of

#: What an unquoted word of YAML means besides a text: the core schema, without the surprises of YAML 1.1.
_MEANINGS: Final = (
    ("null", r"(?:~|null|)\Z", "~n\0"),
    ("bool", r"(?:true|false)\Z", "tf"),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)\Z", "-+0123456789"),
    ("float", r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?\Z", "-+.0123456789"),
)


def read_script(path: str | None) -> Script:
    """The script in a file; without one it echoes. Raises ``ScriptError`` with every problem."""
    if path is None:
        return script_of({})
    try:
        with open(path, encoding="utf-8") as stream:
            written = stream.read()
        return script_of(_yaml(written) if path.endswith((".yaml", ".yml")) else json.loads(written))
    except (OSError, ValueError) as error:
        raise ScriptError([f"{path}: cannot be read: {error}"]) from None
    except ScriptError as error:
        raise ScriptError([f"{path}: {problem}" for problem in error.problems]) from None


def _yaml(written: str) -> Any:
    yaml = importlib.import_module("yaml")  # only for a script in YAML: it takes as long as all else together
    base = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
    loader = type("Loader", (base,), {"yaml_implicit_resolvers": {}})
    for name, meaning, firsts in _MEANINGS:
        first = [letter.replace("\0", "") for letter in firsts]
        loader.add_implicit_resolver(f"tag:yaml.org,2002:{name}", re.compile(meaning), first)  # type: ignore[attr-defined]
    reading = loader(written)
    try:
        return reading.get_single_data()
    except yaml.YAMLError as error:
        raise ScriptError(["is no YAML: " + " ".join(str(error).split())]) from None
    finally:
        reading.dispose()
