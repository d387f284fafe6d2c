"""A gateway that answers what it is told to, and keeps what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest


@dataclass
class Asked:
    """A request."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


@dataclass
class Gateway:
    """Answers in turn: a status, a body and headers; None hangs up instead."""

    url: str = ""
    answers: list[tuple[int, Any, dict[str, str]] | None] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)

    def give(self, status: int, body: Any = None, **headers: str) -> None:
        """Answer this next; ``_`` in a header's name stands for ``-``."""
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers.append((status, body, told))

    def hang_up(self) -> None:
        """Take the next request, and say nothing."""
        self.answers.append(None)


class _Handler(BaseHTTPRequestHandler):
    gateway: Gateway
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        stream = headers.get("content-type") == "application/offset+octet-stream"
        body = content if stream else json.loads(content or b"null")
        self.gateway.asked.append(Asked(self.command, self.path, headers, body))
        answer = self.gateway.answers.pop(0)
        if answer is None:
            self.close_connection = True
            return
        status, told, more = answer
        text = told if isinstance(told, bytes) else json.dumps(told).encode()
        self.send_response(status)
        for name, value in more.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PATCH = do_DELETE = _answer  # noqa: N815 - the standard library's names

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch, home: Path) -> Iterator[Gateway]:
    """A gateway, which the environment names."""
    gateway = Gateway()
    handler = type("Handler", (_Handler,), {"gateway": gateway})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    gateway.url = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("MARQUEE_URL", gateway.url)
    monkeypatch.setenv("MARQUEE_TOKEN", "token")
    yield gateway
    server.shutdown()
    thread.join()
    server.server_close()
    assert not gateway.answers


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, and an environment that says nothing."""
    for name in ("URL", "TOKEN", "TOKEN_FILE", "OUTPUT", "PASSWORD", "PASSWORD_FILE"):
        monkeypatch.delenv(f"MARQUEE_{name}", raising=False)
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path
