"""The thread through a request: its id and its place in a trace.

Source: W3C Trace Context (``traceparent``); ``X-Request-ID`` is the common custom.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass

_TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})"
)
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")


@dataclass(frozen=True, slots=True)
class Trace:
    """``trace_id`` is the whole trace, ``traceparent`` our own span in it."""

    request_id: str
    trace_id: str
    traceparent: str

    @classmethod
    def of(cls, headers: Mapping[str, str], span: str | None = None) -> Trace:
        """Continue the caller's trace and keep their request id where they are well-formed.

        ``span`` is the traceparent of our own span, if one is recorded.
        """
        given = _TRACEPARENT.fullmatch(span or headers.get("traceparent", ""))
        trace_id, flags = given.groups() if given else (_hex(128), "01")
        asked = headers.get("X-Request-ID", "")
        request_id = asked if _REQUEST_ID.fullmatch(asked) else trace_id
        return cls(request_id, trace_id, span or f"00-{trace_id}-{_hex(64)}-{flags}")


def _hex(bits: int) -> str:
    """Unique, not secret: a tenth of the cost of asking the kernel, twice a request."""
    return f"{random.getrandbits(bits) | 1:0{bits // 4}x}"
