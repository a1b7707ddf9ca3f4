"""Text of users and programs, made safe to be shown: it can be read on a terminal, and can do nothing there.

Escape sequences are taken out whole (colours too), control characters but line end and tab are dropped, a lone carriage
return becomes a line end, and what would reorder or hide text is shown by its number. Source: CWE-150, CWE-1007.
"""

from __future__ import annotations

import re
from typing import Final

#: ESC, or its one-character C1 form, and what follows: strings (OSC, DCS, SOS, PM, APC), CSI, two-character ones.
_STRING: Final = r"(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"
_CSI: Final = r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
_SHORT: Final = r"\x1b[ -/]*[0-~]?"
_ESCAPES: Final = re.compile(f"{_STRING}|{_CSI}|{_SHORT}")
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
#: Bidirectional controls, line and paragraph separators, invisible operators, tag characters, lone surrogates.
DECEIVING: Final = re.compile(
    "[\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff\ud800-\udfff]"
)


def safe(text: str) -> str:
    """A text of several lines that a terminal can be given."""
    plain = _ESCAPES.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    return DECEIVING.sub(_numbered, _CONTROLS.sub("", plain))


def safe_line(text: str) -> str:
    """The same as one line: whatever parts lines or columns becomes a space."""
    return " ".join(safe(text).split())


def _numbered(match: re.Match[str]) -> str:
    return f"<U+{ord(match[0]):04X}>"
