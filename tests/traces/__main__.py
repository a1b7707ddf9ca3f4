"""``python -m tests.traces [--into FOLDER] [NAME …]``: records traces anew, from the real agents and by script."""

import argparse
import asyncio
import tempfile
from pathlib import Path

from tests.traces.record import record_all
from tests.traces.scenarios import SCENARIOS
from tests.traces.trace import FOLDER

parser = argparse.ArgumentParser(prog="python -m tests.traces", description=__doc__)
parser.add_argument("names", nargs="*", help="all, if none is named")
parser.add_argument("--into", type=Path, default=FOLDER)
parser.add_argument("--at-once", type=int, default=12)
asked = parser.parse_args()
wanted = [one for one in SCENARIOS if not asked.names or one.name in asked.names]
asked.into.mkdir(exist_ok=True, parents=True)
with tempfile.TemporaryDirectory(dir=Path.home()) as folder:
    asyncio.run(record_all(wanted, Path(folder), asked.into, asked.at_once))
