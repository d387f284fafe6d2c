"""Asks the gateway, and asks again where that is safe: what was lost on the way, or must wait."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode
from uuid import uuid4

import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NameResolutionError,
    SSLError,
)
from urllib3.response import BaseHTTPResponse

from services.cli import account
from services.cli.failures import Lost, Refused, Unreachable
from services.cli.output import say

Json = dict[str, Any]

PATIENCE = 60.0
"""Seconds that a command waits altogether for a server that is away or asks to wait."""

_TIMEOUT = urllib3.Timeout(connect=20, read=300)
AGAIN = frozenset({429, 502, 503, 504})
"""Statuses that tell to come back later."""

_PAGE = 500  # the most items that a list gives at once
_LONGEST_PAUSE = 5.0


@dataclass
class Client:
    """Somebody at a gateway. What it raises is Refused or Unreachable."""

    url: str
    token: str | None = None
    patience: float = PATIENCE
    pause: Callable[[float], None] = time.sleep
    _pool: urllib3.PoolManager = field(init=False)
    _met: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        self._pool = urllib3.PoolManager(timeout=_TIMEOUT, blocksize=64 * 1024)

    @classmethod
    def signed_in(cls) -> Client:
        """At the address and with the token that the environment or a login gives."""
        url = account.address()
        return cls(url, account.token(url))

    def get(self, path: str, **query: Any) -> Json:
        """Read something; what is None is not asked."""
        return parsed(self.send("GET", _asked(path, query)))

    def post(self, path: str, body: Json | None = None, **query: Any) -> Json:
        """Change something: once, however often it must be sent."""
        headers = {"Idempotency-Key": str(uuid4())}
        try:
            return parsed(self.send("POST", _asked(path, query), body=body, headers=headers))
        except Lost as lost:
            raise Lost(
                lost.text, *lost.more, "It may have been done, or not: please look."
            ) from lost

    def delete(self, path: str) -> None:
        """Delete something."""
        self.send("DELETE", path)

    def pages(self, path: str, *, limit: int | None, **query: Any) -> Json:
        """A list up to so many items, over as many pages as it takes; without a limit, all."""
        items: list[Json] = []
        cursor = query.pop("cursor", None)
        while True:
            left = _PAGE if limit is None else min(limit - len(items), _PAGE)
            page = self.get(path, limit=left, cursor=cursor, **query)
            items += page["items"]
            cursor = page["next_cursor"]
            if cursor is None or (limit is not None and len(items) >= limit):
                return {**page, "items": items}

    def walk(self, path: str, **query: Any) -> Iterator[Json]:
        """All items of a list, a page at a time."""
        cursor = None
        while True:
            page = self.get(path, limit=_PAGE, cursor=cursor, **query)
            yield from page["items"]
            if (cursor := page["next_cursor"]) is None:
                return

    def send(
        self,
        method: str,
        path: str,
        *,
        body: Json | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> BaseHTTPResponse:
        """Send what may be sent twice, until there is an answer. Raises Refused for a no."""
        deadline = time.monotonic() + self.patience
        content = None if body is None else json.dumps(body).encode()
        kind = {} if body is None else {"Content-Type": "application/json"}
        for attempt in itertools.count():
            try:
                answer = self.once(
                    method, path, content=content, headers={**kind, **(headers or {})}
                )
            except Unreachable as fault:
                pause = min(0.5 * 2**attempt, _LONGEST_PAUSE)
                patient = self._met or isinstance(fault, Lost)
                if not patient or time.monotonic() + pause > deadline:
                    raise
                self.wait(pause, fault.text)
            except Refused as refused:
                pause = _asked_to_wait(refused, attempt)
                if pause is None or time.monotonic() + pause > deadline:
                    raise
                self.wait(pause, refused.text)
            else:
                return answer
        raise AssertionError("unreachable")

    def once(
        self, method: str, path: str, *, content: Any = None, headers: Mapping[str, str]
    ) -> BaseHTTPResponse:
        """Send one request and read the whole answer."""
        with self._telling():
            answer = self._pool.request(
                method,
                self.url + path,
                body=content,
                headers={**self._identity(), **headers},
                retries=False,
                redirect=False,
            )
        self._met = True
        if answer.status >= 300:
            raise refusal(answer)
        return answer

    def stream(self, path: str, **query: Any) -> Iterator[bytes]:
        """Read an answer piece by piece. Raises Lost if it breaks off."""
        with self._telling():
            answer = self._pool.request(
                "GET",
                self.url + _asked(path, query),
                headers=self._identity(),
                retries=False,
                redirect=False,
                preload_content=False,
            )
            try:
                if answer.status >= 300:
                    raise refusal(answer)
                yield from answer.stream(64 * 1024)
            finally:
                answer.close()

    def wait(self, seconds: float, why: str) -> None:
        """Wait, and say so."""
        say(f"{why} Trying again in {seconds:.0f} s." if seconds >= 1 else f"{why} Trying again.")
        self.pause(seconds)

    def _identity(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except (HTTPError, ConnectionError) as error:
            raise _in_words(self.url, error) from error


def parsed(answer: BaseHTTPResponse) -> Json:
    """The JSON of an answer; nothing is an empty object."""
    if not answer.data:
        return {}
    try:
        content = json.loads(answer.data)
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise Unreachable("What answers there is not Marquee.", "Is MARQUEE_URL right?")
    return content


def refusal(answer: BaseHTTPResponse) -> Refused:
    """The problem that an answer tells of."""
    try:
        problem = json.loads(answer.data)
    except ValueError:
        problem = None
    if not isinstance(problem, dict):
        problem = {"detail": f"The answer was {answer.status} {answer.reason}."}
    wait = answer.headers.get("Retry-After", "")
    return Refused(
        answer.status, {"retry_after": int(wait) if wait.isdecimal() else None} | problem
    )


def identifier(text: str) -> str:
    """A part of a path, whatever somebody typed."""
    return quote(text, safe="") or "-"


def _asked(path: str, query: Mapping[str, Any]) -> str:
    given = {name.rstrip("_"): value for name, value in query.items() if value is not None}
    return f"{path}?{urlencode(given)}" if given else path


def _asked_to_wait(refused: Refused, attempt: int) -> float | None:
    """Seconds after which to send the same again; None if the answer will not change."""
    if refused.code == "idempotency_key_in_use" and attempt:  # by our own request before
        return 0.5
    if refused.status not in AGAIN:
        return None
    asked = refused.problem.get("retry_after")
    return float(asked) if asked is not None else min(0.5 * 2**attempt, _LONGEST_PAUSE)


def _in_words(url: str, error: Exception) -> Unreachable:
    if isinstance(error, SSLError):
        return Unreachable(f"No safe connection to {url}: {error}", "Is its certificate trusted?")
    if isinstance(error, NameResolutionError):
        return Unreachable(f"Nobody knows where {url} is.", "Is MARQUEE_URL right?")
    if isinstance(error, ConnectTimeoutError):
        return Unreachable(
            f"Nothing answers at {url}.", "Is Marquee there? MARQUEE_URL says where."
        )
    return Lost(
        f"The connection to {url} broke off.", f"({error.args[-1] if error.args else error})"
    )
