"""Kills its guardian, with a helper in a session of its own beside it; both would go on."""

import os
import signal
import time

if os.fork() == 0:
    os.setsid()
    time.sleep(60)
time.sleep(0.05)
os.write(1, b"before\n")
os.kill(os.getppid(), signal.SIGKILL)
time.sleep(60)
