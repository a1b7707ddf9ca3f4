"""Forks from a thread, and lets its first thread end while another goes on."""

import ctypes
import os
import threading
import time


def live_on() -> None:
    """Have a child of this thread's own."""
    if os.fork() == 0:
        os.setsid()
        time.sleep(60)
    os.write(1, b"ready\n")
    time.sleep(60)


threading.Thread(target=live_on).start()
ctypes.CDLL(None).pthread_exit(None)
