"""A cheap agent that streams, started as ``python -I -S streaming_agent.py RATE SECONDS``; it speaks `lines`.

The text of a turn is when to begin (seconds since 1970). Then come so many messages a second, evenly in time, for so
long; each is its number and when it was said. It has no library to load and no script to read, so that fifty of them
leave the machine to what is measured.
"""

import sys
import time


def main(rate: float, seconds: float) -> None:
    """Take one turn after the other until the input ends."""
    out = sys.stdout.buffer.raw  # type: ignore[attr-defined]
    out.write(b'{"type": "ready"}\n')
    for line in sys.stdin.buffer:
        if not line.startswith(b'{"type":"turn"'):
            return
        begin = max(float(line.split(b'"text":"')[1].split(b'"')[0]), time.time())
        count = int(rate * seconds)
        for number in range(1, count + 1):
            left = begin + number / rate - time.time()
            if left > 0:
                time.sleep(left)
            out.write(b'{"type": "message", "text": "%d %.6f"}\n' % (number, time.time()))
        out.write(b'{"type": "done", "text": "%d"}\n' % count)


if __name__ == "__main__":
    main(float(sys.argv[1]), float(sys.argv[2]))
