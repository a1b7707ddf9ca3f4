"""A git server on the loopback, for tests of what is fetched: git's own CGI program behind a few lines of HTTP.

It can want a token, speak TLS, keep large files as git-lfs asks for them, send elsewhere, and stop in the middle.
"""

import base64
import hashlib
import http.server
import json
import os
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

#: For 127.0.0.1 and localhost alone; whoever trusts it trusts the tests.
CERTIFICATE = Path(__file__).with_name("loopback.pem")


class Serving(http.server.BaseHTTPRequestHandler):
    """One request, handed to ``git http-backend``."""

    root = Path()
    asked: ClassVar[list[str]] = []
    told: ClassVar[list[tuple[str, str]]] = []  #: host and user of every request that brought a password
    token: str | None = None
    elsewhere: str | None = None  #: where requests are sent on to
    looks: Callable[[str], None] | None = None  #: is called with the path of each request, while git waits
    stalls = threading.Event()  #: packs are held back while it is set
    stalled = threading.Event()

    def do_GET(self) -> None:
        """A question about references."""
        self._judge()

    def do_POST(self) -> None:
        """A fetch."""
        self._judge()

    def _judge(self) -> None:
        """Who asks, and for what."""
        kind = type(self)
        self.asked.append(self.path)
        if kind.looks is not None:
            kind.looks(self.path)
        word = self.headers.get("Authorization", "").removeprefix("Basic ")
        user, _, password = base64.b64decode(word).decode().partition(":")
        if password:
            self.told.append((self.headers["Host"], user))
        if self.elsewhere is not None and not self.headers["Host"].startswith("localhost"):
            self._send(302, b"", {"Location": self.elsewhere + self.path})
        elif self.token is not None and password != self.token:
            self._send(401, b"who are you?", {"WWW-Authenticate": 'Basic realm="here"'})
        elif "/info/lfs/" in self.path:
            self._large()
        else:
            self._answer()

    def _large(self) -> None:
        """git-lfs: where objects are, or one of them."""
        if self.command == "GET":
            found = self.root / "large" / self.path.rpartition("/")[2]
            self._send(200 if found.exists() else 404, found.read_bytes() if found.exists() else b"")
            return
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        here = f"{'https' if isinstance(self.connection, ssl.SSLSocket) else 'http'}://{self.headers['Host']}"
        place = f"{here}{self.path.partition('/info/lfs')[0]}/info/lfs/objects"
        objects = [one | {"actions": {"download": {"href": f"{place}/{one['oid']}"}}} for one in asked["objects"]]
        body = json.dumps({"transfer": "basic", "objects": objects}).encode()
        self._send(200, body, {"Content-Type": "application/vnd.git-lfs+json"})

    def _answer(self) -> None:
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
        self._send(int(fields.pop("Status", "200").split()[0]), rest, fields)

    def _send(self, status: int, body: bytes, fields: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (fields or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if b"packfile" in body[:512] and self.stalls.is_set():
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            self.stalled.set()
            while self.stalls.is_set():
                time.sleep(0.02)
            body = body[len(body) // 2 :]
        self.wfile.write(body)

    def log_message(self, format: str, *words: object) -> None:
        """Nothing is written."""


def keep_large(root: Path, content: bytes) -> str:
    """Keep a large file; its pointer, as a commit holds it."""
    oid = hashlib.sha256(content).hexdigest()
    (root / "large").mkdir(parents=True, exist_ok=True)
    (root / "large" / oid).write_bytes(content)
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(content)}\n"


@contextmanager
def serving(root: Path, tls: bool = False, **fields: Any) -> Iterator[tuple[str, type[Serving]]]:
    """The repositories below ``root`` at an address, and the server, whose fields say how it behaves."""
    events = {"stalls": threading.Event(), "stalled": threading.Event()}
    kind = type("Here", (Serving,), {"root": root, "asked": [], "told": [], **events, **fields})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), kind)
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # whoever hangs up is what some tests want
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}", kind
    finally:
        kind.stalls.clear()
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def served(root: Path) -> Iterator[tuple[str, list[str]]]:
    """The same, and what was asked for there."""
    with serving(root) as (address, kind):
        yield address, kind.asked
