"""The program: ``python -I .../fakeagent [OPTIONS]``; it starts alone, in a fraction of what the package costs.

The package is found through its parent folder, added last so that no file of ours hides one of the standard library.
"""

import importlib
import sys

if __name__ == "__main__":
    here = sys.path.pop(0)
    sys.path.append(here.rpartition("/")[0])
    sys.exit(importlib.import_module("fakeagent.program").main(sys.argv[1:]))
