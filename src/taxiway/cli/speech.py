"""What an agent says, as running text: messages that go on where the last one stopped, others on lines of their own."""

from __future__ import annotations

from taxiway.cli.streams import Streams
from taxiway.core.event import Event

STDOUT = "stdout"


class Speech:
    """Messages of a run, written to standard output; ``said`` once there was one."""

    def __init__(self, streams: Streams) -> None:
        self._streams = streams
        self._line_open = False
        self.said = False

    def show(self, event: Event) -> None:
        """One message."""
        text = event.data.get("text")
        if not isinstance(text, str) or not text:
            return
        if self._line_open and not event.data.get("delta"):
            text = "\n" + text
        self._streams.write(STDOUT, text.encode("utf-8", "replace"))
        self._line_open = not text.endswith("\n")
        self.said = True

    def end(self) -> None:
        """Nothing more is said: the line is closed."""
        if self._line_open:
            self._streams.write(STDOUT, b"\n")
            self._line_open = False
