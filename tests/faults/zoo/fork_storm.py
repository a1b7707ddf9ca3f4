"""Processes that live only to fork the next one, in many sessions, deaf to polite signals; ends in a while."""

import os
import signal
import sys
import time

signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
until = time.monotonic() + 20
for _ in range(int(sys.argv[1])):
    if os.fork() == 0:
        while time.monotonic() < until:
            if os.fork():
                os._exit(0)
            os.setsid()
        os._exit(0)
os.write(1, b"ready\n")
time.sleep(20)
