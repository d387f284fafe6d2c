"""What the workload asked for and what it was told, as it happened: the checker's evidence."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Literal
from uuid import UUID

import aiohttp

from harness.client import Client, Json

Outcome = Literal["invoked", "ok", "failed", "unknown"]

ANSWER_SECONDS = 30.0
"""An attempt that takes longer hangs. More than a database's pool, a lock or a body may take."""

_PAUSE = (0.1, 0.5)
_AGAIN = {408, 425, 429, 503}
_IN_USE = "idempotency_key_in_use"


@dataclass(slots=True)
class Attempt:
    """One request: when it was sent, seconds it took, and its status or how it broke off.

    ``again_after`` is what the answer had as its ``Retry-After``.
    """

    at: float
    seconds: float
    status: int | None
    error: str = ""
    again_after: str = ""


@dataclass(slots=True)
class Call:
    """Something that was asked for under one key, however many attempts that took."""

    key: str
    actor: str
    kind: str
    about: Json
    invoked: float
    outcome: Outcome = "invoked"
    status: int = 0
    answer: Json = field(default_factory=dict)
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def code(self) -> str:
        """Why it was refused."""
        return str(self.answer.get("code", ""))


class History:
    """Every call, in memory for the checker and line by line in a file for people."""

    def __init__(self, path: Path) -> None:
        self.calls: list[Call] = []
        self._file = path.open("a", encoding="utf-8")

    def begin(self, key: str, actor: str, kind: str, about: Json) -> Call:
        """Note what is about to be asked for."""
        call = Call(key, actor, kind, about, time.time())
        self.calls.append(call)
        self._write(call, phase="invoked", about=about)
        return call

    def attempted(self, call: Call, attempt: Attempt) -> None:
        """Note an attempt; until an answer is final, nobody knows what became of the call."""
        call.attempts.append(attempt)
        call.outcome = "unknown"
        self._write(
            call,
            phase="unknown",
            status=attempt.status,
            error=attempt.error,
            seconds=round(attempt.seconds, 3),
        )

    def finished(self, call: Call, outcome: Outcome, status: int, answer: Json) -> None:
        """Note the final answer."""
        call.outcome, call.status, call.answer = outcome, status, answer
        self._write(call, phase=outcome, status=status, answer=answer)

    def of(self, *kinds: str, outcome: Outcome = "ok") -> Iterator[Call]:
        """Calls of these kinds that ended this way."""
        return (call for call in self.calls if call.kind in kinds and call.outcome == outcome)

    def close(self) -> None:
        """Write no more."""
        self._file.close()

    def _write(self, call: Call, **what: Any) -> None:
        line = {"time": round(time.time(), 6), "key": call.key, "actor": call.actor}
        json.dump(line | {"kind": call.kind, **what}, self._file)
        self._file.write("\n")
        self._file.flush()


@dataclass
class Caller:
    """Makes calls as an impatient but correct client: same key, until there is an answer."""

    name: str
    client: Client
    history: History
    random: Random

    async def call(
        self,
        kind: str,
        path: str,
        body: Any = None,
        *,
        about: Json | None = None,
        **request: Any,
    ) -> Call:
        """POST, again and again if need be; return the call with its final answer."""
        key = str(UUID(int=self.random.getrandbits(128), version=4))
        call = self.history.begin(key, self.name, kind, about or {"path": path, "body": body})
        headers = {**self.client.headers(), "Idempotency-Key": key, **request.pop("headers", {})}
        if body is not None:
            request["json"] = body
        while True:
            status, answer = await self._attempt(call, path, headers, request)
            if status is not None and not _worth_another(status, answer):
                outcome: Outcome = "ok" if status < 300 else "failed"
                self.history.finished(call, outcome, status, answer)
                return call
            await asyncio.sleep(self.random.uniform(*_PAUSE))

    async def _attempt(
        self, call: Call, path: str, headers: dict[str, str], request: Json
    ) -> tuple[int | None, Json]:
        began, clock = time.time(), time.monotonic()
        status, answer, broken, later = None, {}, "", ""
        try:
            async with self.client.session.post(
                self.client.url + path,
                headers=headers,
                timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS),
                **request,
            ) as response:
                text = await response.text()
                answer = json.loads(text) if text else {}
                status, later = response.status, response.headers.get("Retry-After", "")
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            broken = repr(error)
        took = time.monotonic() - clock
        self.history.attempted(call, Attempt(began, took, status, broken, later))
        return status, answer


def _worth_another(status: int, answer: Json) -> bool:
    """Whether the same request may still be answered otherwise."""
    return status >= 500 or status in _AGAIN or answer.get("code") == _IN_USE
