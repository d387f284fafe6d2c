"""Refusals: what the product says no to, by name."""

from __future__ import annotations

from typing import Any, ClassVar


class Refusal(Exception):
    """A named no with a stable ``code`` and an HTTP ``status``; any other exception is a bug.

    ``patience`` is how many seconds a caller may wait and ask again before the refusal is final:
    services learn of each other's facts by events, a moment late.
    ``extra`` members are added to the problem document (RFC 9457, section 3.2).
    """

    code: ClassVar[str]
    status: ClassVar[int] = 400
    title: ClassVar[str]

    def __init__(self, detail: str, *, patience: float = 0.0, **extra: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.patience = patience
        self.extra = extra
