"""Words of a bundle that go before a prompt: whole files (``prompts``), and skills by name with their beginning.

Only files of the commit that was asked for are read, each within its bound.
"""

from __future__ import annotations

import os
from pathlib import Path

from taxiway.core.errors import WorkspaceRefused
from taxiway.core.limits import PREFACE_BYTES_MAX, PROMPT_REFERENCE_BYTES_MAX, SKILL_SUMMARY_CHARS_MAX
from taxiway.core.safe import safe_line
from taxiway.core.workspace import Workspace
from taxiway.workspaces.checkout import Checkout

SKILL_FILE = "SKILL.md"


async def preface(checkout: Checkout, wanted: Workspace, base: str) -> str:
    """The text; empty where nothing is referred to. Raises ``WorkspaceRefused`` for what is missing or too long."""
    parts = [await _whole(checkout, base, path) for path in wanted.prompts]
    skills = [await _skill(checkout, base, path) for path in wanted.skills]
    if skills:
        parts.append("Skills that are there, each in its file:\n" + "\n".join(skills))
    text = "\n\n".join(part.strip() for part in parts)
    if len(text.encode()) > PREFACE_BYTES_MAX:
        raise WorkspaceRefused(
            f"prompts and skills are {len(text.encode())} bytes long together; they may be {PREFACE_BYTES_MAX}"
        )
    return text


async def _whole(checkout: Checkout, base: str, path: str) -> str:
    found = await checkout.git.ask(
        checkout.top, "cat-file", "blob", f"{base}:{path}", limit=PROMPT_REFERENCE_BYTES_MAX + 1
    )
    if found.cut or len(found.out) > PROMPT_REFERENCE_BYTES_MAX:
        raise WorkspaceRefused(
            f"{safe_line(path)} is longer than the {PROMPT_REFERENCE_BYTES_MAX} bytes that it may be"
        )
    if found.status:
        raise WorkspaceRefused(f"the commit has no file {safe_line(path)}")
    try:
        return found.out.decode()
    except UnicodeDecodeError:
        raise WorkspaceRefused(f"{safe_line(path)} is no text in UTF-8") from None


async def _skill(checkout: Checkout, base: str, path: str) -> str:
    """``- PATH: the first words of its description``; a skill is a file, or a folder with a SKILL.md."""
    folder = await checkout.git.ask(checkout.top, "cat-file", "-t", f"{base}:{path}")
    file = f"{path.rstrip('/')}/{SKILL_FILE}" if folder.text == "tree" else path
    lines = (await _whole(checkout, base, file)).splitlines()
    said = [line.removeprefix("description:") for line in lines if line.startswith("description:")]
    words = said or [line for line in lines if line.strip() and not line.startswith(("#", "---", "name:"))]
    return f"- {file}: {safe_line(' '.join(words))[:SKILL_SUMMARY_CHARS_MAX]}"


def start_of(tree: Path, within: str) -> str:
    """The folder in a workspace where the work starts; raises ``WorkspaceRefused`` when there is none inside."""
    wanted = tree / within
    real = wanted.resolve()
    if not real.is_relative_to(tree.resolve()):
        raise WorkspaceRefused(f"{safe_line(within)} leads out of the workspace")
    if not real.is_dir():
        raise WorkspaceRefused(f"the commit has no folder {safe_line(within)}")
    return os.fspath(wanted if within else tree)
