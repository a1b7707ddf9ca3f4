"""Looks at the terminal that it is on, and says what it found; then each new size, until told to go."""

import os
import signal
import sys
import time


def size() -> None:
    """Say how large the window is."""
    columns, rows = os.get_terminal_size()
    print(f"size {columns}x{rows}", flush=True)


def main() -> None:
    """The questions that programs ask."""
    with open("/dev/tty", "rb") as tty:
        same = os.fstat(tty.fileno()).st_rdev != 0
    leads = os.getsid(0) == os.getpid() and os.tcgetpgrp(0) == os.getpgrp()
    print(*[os.isatty(fd) for fd in (0, 1, 2)], same, leads, os.environ["TERM"], "COLUMNS" in os.environ, flush=True)
    size()
    signal.signal(signal.SIGWINCH, lambda *_: size())
    signal.signal(signal.SIGHUP, lambda *_: (print("the window closes", flush=True), sys.exit(4)))
    print("> ", end="", flush=True)
    while True:
        time.sleep(0.05)


main()
