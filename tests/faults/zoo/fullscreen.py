"""Draws as full-screen agents do: raw keys, the alternate screen, a box for input; nothing before it was answered."""

import os
import re
import sys
import termios
import time
import tty

KEYS = {"paste": b"\x1b[200~", "end": b"\x1b[201~"}


def write(text: str) -> None:
    """To the screen."""
    os.write(1, text.encode())


def ask(question: str, answer: str) -> bytes:
    """Wait for the terminal's answer, as long as it takes."""
    write(question)
    said = b""
    while not re.search(answer.encode(), said):
        said += os.read(0, 100)
    return said


def draw(said: list[str], typed: str, status: str) -> None:
    """Everything anew."""
    write("\x1b[H\x1b[2J\x1b[1mAgent 1.0\x1b[0m\r\n\r\n")
    for line in said:
        write(f"{line}\x1b[K\r\n")
    write(f"+{'-' * 30}+\r\n| > {typed:<27}|\r\n+{'-' * 30}+\r\n  {status}")


def work(said: list[str], text: str) -> None:
    """Answer, with a spinner, until done or until ESC."""
    os.set_blocking(0, False)
    said.append(f"> {text}")
    for turn in range(40 if "long" in text else 5):
        draw(said, "", f"working {'|/-'[turn % 3]} (esc to interrupt)")
        time.sleep(0.05)
        try:
            if b"\x1b" in os.read(0, 100):
                said.append("* interrupted")
                break
        except BlockingIOError:
            pass
    else:
        said.append(f"* \x1b[32mdone\x1b[0m: {text.upper()}")
    os.set_blocking(0, True)


def main() -> None:
    """Read keys, one after the other."""
    before = termios.tcgetattr(0)
    tty.setraw(0)
    place = ask("\x1b[6n", r"\x1b\[\d+;\d+R")
    ask("\x1b[c", r"\x1b\[\?[\d;]+c")
    ask("\x1b]11;?\x1b\\", r"\x1b\]11;rgb:[^\x1b]*\x1b\\")
    write("\x1b[?1049h\x1b[?2004h\x1b[?25l")
    said = [f"at {place[2:-1].decode()}"]
    typed, keys, pasting = "", b"", False
    draw(said, typed, "ready")
    while keys := keys or os.read(0, 1000):
        if keys.startswith((KEYS["paste"], KEYS["end"])):
            pasting, keys = keys.startswith(KEYS["paste"]), keys[6:]
        elif keys.startswith(b"\r"):
            keys = keys[1:]
            work(said, typed)
            typed = ""
            draw(said, typed, "ready")
        elif keys.startswith(b"\x04"):
            break
        else:
            typed += "/" if keys[:1] == b"\n" and pasting else keys[:1].decode("latin-1")
            keys = keys[1:]
            if not keys:
                draw(said, typed, "ready")
    write("\x1b[?2004l\x1b[?1049l")
    termios.tcsetattr(0, termios.TCSADRAIN, before)
    sys.exit(0)


main()
