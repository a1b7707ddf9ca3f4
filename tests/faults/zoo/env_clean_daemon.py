"""Leaves a daemon without our environment and descriptors, in a session of its own; its pid goes to the file named."""

import os
import sys
from pathlib import Path

if os.fork():
    if sys.argv[2:] == ["stay"]:
        os.write(1, b"ready\n")
        os.execv("/bin/sleep", ["sleep", "60"])
    os._exit(0)
os.setsid()
if os.fork():
    os._exit(0)
Path(sys.argv[1] + ".new").write_text(str(os.getpid()))
Path(sys.argv[1] + ".new").rename(sys.argv[1])
os.chdir("/")
os.closerange(0, 256)
os.execve("/bin/sleep", ["sleep", "60"], {})
