"""What ends a command with exit code 1, in words a person can act on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class Failed(Exception):
    """A command could not do what it was asked; ``more`` are lines that explain it."""

    def __init__(self, text: str, *more: str) -> None:
        super().__init__(text)
        self.text = text
        self.more: Sequence[str] = more


class Unreachable(Failed):
    """Nobody answers at the address, or only to ask to wait: for so many seconds."""

    def __init__(self, text: str, *more: str, retry_after: float = 0.0) -> None:
        super().__init__(text, *more)
        self.retry_after = retry_after


class Lost(Unreachable):
    """The connection broke off: what was asked may have been done, or not."""


class Refused(Failed):
    """The server said no: its problem document (RFC 9457) in words."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.problem = problem
        self.code = str(problem.get("code", ""))
        detail = problem.get("detail") or problem.get("title") or f"The answer was {status}."
        text = "The input is not valid:" if problem.get("errors") else str(detail)
        super().__init__(text, *_explained(status, problem))


_ADVICE = {
    401: "Sign in with `marquee login`, or set MARQUEE_TOKEN.",
    403: "This takes an administrator's token.",
}


def _explained(status: int, problem: Mapping[str, Any]) -> list[str]:
    told = [f"{_field(each)}: {each.get('detail')}" for each in problem.get("errors") or ()]
    if status in _ADVICE:
        told.append(_ADVICE[status])
    if seconds := problem.get("retry_after"):
        told.append(f"Try again in {seconds} seconds.")
    facts = [str(problem.get("code") or "no code"), f"status {status}"]
    if trace := problem.get("trace_id"):
        facts.append(f"trace {trace}")
    return [*told, f"({', '.join(facts)})"]


def _field(error: Mapping[str, Any]) -> str:
    """The place of an invalid field: ``#/user_ids/3`` is ``user_ids.3``."""
    steps = str(error.get("pointer", "")).removeprefix("#").strip("/").split("/")
    return ".".join(step.replace("~1", "/").replace("~0", "~") for step in steps) or "input"
