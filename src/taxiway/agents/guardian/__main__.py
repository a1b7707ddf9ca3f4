"""The fork server's first instruction: ``python -I -S .../guardian SOCKET_FD``.

The package is found through its parent folder, added last so that no file of ours hides one of the standard library.
"""

import importlib
import sys

if __name__ == "__main__":
    here = sys.path.pop(0)
    sys.path.append(here.rpartition("/")[0])
    importlib.import_module("guardian.server").main(int(sys.argv[1]))
