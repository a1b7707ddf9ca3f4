"""An agent whose provider allows so many calls, then none before a reset; it speaks `lines`.

Started as ``python -I -S limited_agent.py FOLDER ALLOWED RESETS_IN_S ANSWERS_AFTER_S``. All processes with one folder
are one account at their provider: its calls stand in the file ``calls``, one line each (when, and whether it was
answered), and the reset comes so long after the first call that was refused.
"""

import fcntl
import os
import sys
import time


def main(folder: str, allowed: int, resets_in_s: float, answers_after_s: float) -> None:
    """Take one turn after the other until the input ends."""
    out = sys.stdout.buffer.raw  # type: ignore[attr-defined]
    out.write(b'{"type": "ready"}\n')
    for line in sys.stdin.buffer:
        if not line.startswith(b'{"type":"turn"'):
            return
        resets_at = call(folder, allowed, resets_in_s)
        if resets_at is not None:
            left = resets_at - time.time()
            out.write(b'{"type": "rate_limit", "resets_in_s": %.3f, "text": "used up"}\n' % left)
            out.write(b'{"type": "done", "failed": "rate_limit", "error": "used up"}\n')
            continue
        time.sleep(answers_after_s)
        out.write(b'{"type": "thought", "text": "hm"}\n')  # only a provider that answers makes an agent think
        time.sleep(answers_after_s)
        out.write(b'{"type": "done", "text": "ok"}\n')


def call(folder: str, allowed: int, resets_in_s: float) -> "float | None":
    """Ask the provider; ``None``, or when its limit resets (seconds since 1970)."""
    calls = os.open(f"{folder}/calls", os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    fcntl.flock(calls, fcntl.LOCK_EX)
    now = time.time()
    before = [line.split() for line in os.read(calls, 1 << 20).splitlines()]
    refused = [float(at) for at, answered in before if answered == b"no"]
    resets_at = refused[0] + resets_in_s if refused else now + resets_in_s
    answered = now >= resets_at if refused else len(before) < allowed
    os.write(calls, b"%.6f %s\n" % (now, b"yes" if answered else b"no"))
    os.close(calls)
    return None if answered else resets_at


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4]))
