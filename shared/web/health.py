"""``/livez`` and ``/readyz``: whether this process lives, and whether it can be asked anything."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import structlog
from aiohttp import web

from shared.web.answer import json_response

CHECK_SECONDS = 2.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Check:
    """A part that ``/readyz`` asks after; only a ``critical`` one makes a service unready."""

    name: str
    ask: Callable[[], Awaitable[bool]]
    critical: bool = False


class Health:
    """What a service says of itself. The runner moves the ``phase``; the checks do the rest."""

    def __init__(self, checks: Sequence[Check] = ()) -> None:
        self.phase: Literal["starting", "up", "stopping"] = "starting"
        self._checks = checks

    async def livez(self, _: web.Request) -> web.Response:
        """The event loop turns; nothing else is asked."""
        return json_response({"status": "ok"})

    async def readyz(self, request: web.Request) -> web.Response:
        """503 while starting, stopping or without a critical part; else 200: ``ok``, ``degraded``.

        ``down`` names the parts that do not answer; ``?verbose`` lists every check.
        """
        answer = await self.told()
        if "verbose" not in request.query:
            del answer["checks"]
        if answer["status"] in ("ok", "degraded"):
            return json_response(answer)
        return json_response(answer, status=503, headers={"Retry-After": "1"})

    async def told(self) -> dict[str, Any]:
        """The ``status``, the names of the parts that are ``down``, and all ``checks``."""
        passed = await asyncio.gather(*map(_passes, self._checks))
        down = [check for check, ok in zip(self._checks, passed, strict=True) if not ok]
        return {
            "status": self._status(down),
            "down": [check.name for check in down],
            "checks": [
                {"name": check.name, "ok": ok, "critical": check.critical}
                for check, ok in zip(self._checks, passed, strict=True)
            ],
        }

    def _status(self, down: Sequence[Check]) -> str:
        if self.phase != "up":
            return self.phase
        if any(check.critical for check in down):
            return "unavailable"
        return "degraded" if down else "ok"


async def _passes(check: Check) -> bool:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            return await check.ask()
    except Exception as error:  # a check that fails in whatever way has failed
        log.warning("health_check_failed", check=check.name, error=repr(error))
        return False
