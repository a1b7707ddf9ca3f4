"""Makes children and grandchildren that nobody collects, then exits."""

import os
import time

for _ in range(20):
    if os.fork() == 0:
        if os.fork() == 0:
            os._exit(1)
        os._exit(1)
time.sleep(0.1)
os.write(1, b"made\n")
