"""The package that users install holds what the program needs beside its modules."""

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_wheel_holds_every_module_statement_and_migration(tmp_path: Path) -> None:
    """Built offline from the clone: whatever stands in src/taxiway is in it, py.typed and *.sql too."""
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)]
    done = subprocess.run(build, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    packed = set(zipfile.ZipFile(wheel).namelist())
    files = [path for path in (ROOT / "src").rglob("*") if path.is_file() and path.suffix in {".py", ".sql", ".typed"}]
    assert {path.relative_to(ROOT / "src").as_posix() for path in files} - packed == set()
    assert "taxiway/py.typed" in packed
