"""Writes so many bytes to stdout: lines of a hundred bytes, or one single line without an end."""

import os
import sys

left = int(sys.argv[1])
block = (b"x" * 99 + b"\n") * 1000 if sys.argv[2:] != ["one-line"] else b"x" * 100_000
while left > 0:
    left -= os.write(1, block[:left])
