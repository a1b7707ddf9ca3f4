"""Which project a plan belongs to, and which folders its work runs in."""

from __future__ import annotations

from pathlib import Path


def project_of(path: Path) -> str:
    """The project of a file or folder: the real path of the git checkout that holds it, else of its folder.

    A checkout is a folder with a ``.git`` in it (a repository, or the file of a worktree); git itself is not asked. An
    empty ``.git`` is none: sandboxes put one where nobody shall make a repository.
    """
    real = Path(path).resolve()
    folder = real if real.is_dir() else real.parent
    for candidate in (folder, *folder.parents):
        if _is_checkout(candidate):
            return str(candidate)
    return str(folder)


def _is_checkout(folder: Path) -> bool:
    mark = folder / ".git"
    return mark.is_file() or (mark / "HEAD").exists()


def working_folder(cwd: str | None, base: Path) -> tuple[str, str]:
    """The real path of ``cwd`` seen from the folder ``base``, and why no work can run there (empty when it can)."""
    folder = base if cwd is None else base / cwd
    try:
        real = folder.resolve(strict=True)
    except FileNotFoundError:
        return str(folder), f"the folder {_shown(folder)} does not exist"
    except (OSError, RuntimeError) as error:
        return str(folder), f"the folder {_shown(folder)} cannot be reached: {error}"
    return str(real), "" if real.is_dir() else f"{_shown(real)} is no folder"


def _shown(path: Path) -> str:
    text = str(path)
    return text if text.isprintable() else ascii(text)
