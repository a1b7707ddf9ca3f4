"""Stops its guardian, so that the guardian hears nothing."""

import os
import signal
import time

os.kill(os.getppid(), signal.SIGSTOP)
os.write(1, b"ready\n")
time.sleep(60)
