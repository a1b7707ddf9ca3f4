"""A git server on the loopback, for tests of what is fetched: git's own CGI program behind a few lines of HTTP."""

import http.server
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar


class Serving(http.server.BaseHTTPRequestHandler):
    """One request, handed to ``git http-backend``."""

    root = Path()
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        """A question about references."""
        self._answer()

    def do_POST(self) -> None:
        """A fetch."""
        self._answer()

    def _answer(self) -> None:
        self.asked.append(self.path)
        path, _, query = self.path.partition("?")
        environment = {
            **os.environ,
            "GIT_PROJECT_ROOT": str(self.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "REMOTE_ADDR": "127.0.0.1",
        }
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        command = ["git", "http-backend"]
        answered = subprocess.run(command, input=body, env=environment, capture_output=True, timeout=60, check=False)
        head, _, rest = answered.stdout.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().splitlines() if ": " in line)
        self.send_response(int(fields.pop("Status", "200").split()[0]))
        for name, value in fields.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        self.wfile.write(rest)

    def log_message(self, format: str, *words: object) -> None:
        """Nothing is written."""


@contextmanager
def served(root: Path) -> Iterator[tuple[str, list[str]]]:
    """The repositories below ``root`` at an address, and what was asked for there."""
    kind = type("Here", (Serving,), {"root": root, "asked": []})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), kind)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", kind.asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
