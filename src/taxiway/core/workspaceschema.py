"""The part of a plan's JSON Schema that says what a workspace is."""

from __future__ import annotations

from typing import Any, Final

from taxiway.core.limits import ARGV_ITEMS_MAX, NAME_CHARS_MAX, WORKSPACE_PATHS_MAX
from taxiway.core.workspace import Keep, WorkspaceKind
from taxiway.core.workspacefields import COMMIT_PATTERN, KINDS_OF, PATH_CHARS_MAX, REPO_PATTERN, TOKEN_PATTERN

Schema = dict[str, Any]

_BASE: Final = (
    "The commit to begin with, by number, branch or tag; or ${{ name.diff }}, with what a task of after changed. "
    "Default: HEAD."
)
_PATH: Final[Schema] = {"type": "string", "minLength": 1, "maxLength": PATH_CHARS_MAX, "pattern": r"^[^/:~\\-]"}


def workspace_schema() -> Schema:
    """A kind alone, or a table with the fields of its kind."""
    return {
        "oneOf": [{"enum": [str(kind) for kind in WorkspaceKind]}, *(_table(kind) for kind in WorkspaceKind)],
        "examples": [{"kind": "worktree", "include": [".env"], "setup": ["npm", "ci"]}],
    }


def _table(kind: WorkspaceKind) -> Schema:
    own = {name: schema for name, schema in _fields().items() if kind in KINDS_OF[name]}
    bundle = kind is WorkspaceKind.BUNDLE
    return {
        "type": "object",
        "required": ["kind", "repo", "commit"] if bundle else ["kind"],
        "additionalProperties": False,
        "properties": {"kind": {"const": str(kind)}} | own,
    }


def _fields() -> Schema:
    return {
        "branch": _text(NAME_CHARS_MAX, "The branch that is made for it. Default: taxiway/ID."),
        "base": _text(PATH_CHARS_MAX, _BASE),
        "include": _paths("Globs of files that git does not track, and that are copied along."),
        "setup": {
            "description": "A command that runs inside before the work.",
            "type": "array",
            "minItems": 1,
            "maxItems": ARGV_ITEMS_MAX,
            "items": {"type": ["string", "number"]},
        },
        "keep": {"description": "When it outlives its run. Default: failed.", "enum": [str(one) for one in Keep]},
        "repo": {
            "description": "Where it comes from: an address over https or ssh, without a password.",
            "type": "string",
            "maxLength": PATH_CHARS_MAX,
            "pattern": f"^{REPO_PATTERN}$",
        },
        "commit": {"description": "The commit's whole number.", "type": "string", "pattern": f"^{COMMIT_PATTERN}$"},
        "token": {
            "description": "The secret that it is fetched with, over https: secret://NAME.",
            "type": "string",
            "pattern": f"^{TOKEN_PATTERN}$",
        },
        "subdir": _PATH | {"description": "Where in it the work starts. Default: its top."},
        "sparse": _paths("Check out these paths alone."),
        "submodules": {"description": "Also fetch its submodules. Default: no.", "type": "boolean"},
        "lfs": {"description": "Also fetch its large files. Default: no.", "type": "boolean"},
        "prompts": _paths("Files of it whose text goes before the prompt."),
        "skills": _paths("Files of it that are named before the prompt, with the beginning of each."),
    }


def _text(most: int, description: str) -> Schema:
    return {"type": "string", "minLength": 1, "maxLength": most, "description": description}


def _paths(description: str) -> Schema:
    listed = {"type": "array", "maxItems": WORKSPACE_PATHS_MAX, "items": _PATH}
    return {"description": description, "oneOf": [_PATH, listed]}
