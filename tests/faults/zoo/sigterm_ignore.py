"""Ignores every polite signal, and has a child in a session of its own that does the same."""

import os
import signal
import sys
import time

for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    time.sleep(60)
sys.stdout.write("ready\n")
sys.stdout.flush()
time.sleep(60)
