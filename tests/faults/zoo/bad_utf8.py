"""Writes what is no text: every byte, NUL, half characters in two writes, escape sequences, lone surrogates."""

import os
import time

os.write(1, bytes(range(256)))
os.write(1, b"\xed\xa0\x80\x00\x1b]0;title\x07\xe2\x80\xae")
os.write(1, "é".encode()[:1])
time.sleep(0.05)
os.write(1, "é".encode()[1:] + b"\xf0\x9f")
