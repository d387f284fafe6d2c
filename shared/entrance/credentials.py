"""Which sessions and API keys are good: told at once when one ends, and asked for all the same.

A broadcast of a revocation takes effect within milliseconds. It may get lost, so every two
seconds one request asks ``identity`` for all sessions in use at once; no request waits for that
but the first of a session in a while.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

import structlog
from cachetools import TTLCache

from shared.contracts.envelope import Message, unseal
from shared.contracts.identity import CredentialRevoked
from shared.contracts.refusal import Refusal
from shared.web.problems import Unavailable

ROUND_SECONDS = 2.0
"""How long a revocation nobody told us of may go unnoticed."""

OUTAGE_SECONDS = 60.0
"""How long sessions stay good while ``identity`` does not answer."""

REVOKED_SECONDS = 60.0
"""How long one that ended is refused unasked: longer than any answer from before is on its way.

Then it is asked for again: the keys of a tenant that was enabled again are good again.
"""

_IN_USE_SECONDS = 60.0
_AT_ONCE = 5000

log = structlog.get_logger()


class InvalidToken(Refusal):
    """What the caller signs in with is not ours, or not any more."""

    code = "invalid_token"
    status = 401
    title = "The token is not valid"


class Credentials:
    """The sessions and keys in use here. ``now`` is monotonic, in seconds."""

    def __init__(
        self,
        ask: Callable[[Sequence[UUID]], Awaitable[set[UUID]]],
        now: Callable[[], float],
    ) -> None:
        """``ask`` gets those of some that are good from ``identity``, or raises Unavailable."""
        self._ask = ask
        self._now = now
        self._used: dict[UUID, float] = {}
        self._confirmed: dict[UUID, float] = {}
        self._revoked: TTLCache[UUID, bool] = TTLCache(100_000, REVOKED_SECONDS, timer=now)
        self._asking: dict[UUID, asyncio.Task[None]] = {}
        self._watchers: dict[UUID, set[Callable[[], object]]] = {}

    async def require(self, ident: UUID) -> None:
        """Go on only if this one is good. Raises InvalidToken, or Unavailable if none can tell."""
        self._used[ident] = self._now()
        if ident not in self._revoked and ident not in self._confirmed:
            await self._first_time(ident)
        if ident in self._revoked:
            raise InvalidToken("The session has ended; sign in again.")
        if self._now() - self._confirmed.get(ident, float("-inf")) > OUTAGE_SECONDS:
            raise Unavailable("Nobody can tell whether the session goes on.", part="identity")

    def revoke(self, ident: UUID) -> None:
        """Let this one be good no more, whatever an answer under way may say."""
        self._revoked[ident] = True
        self._confirmed.pop(ident, None)
        for ended in self._watchers.get(ident, ()):
            ended()

    async def on_revoked(self, message: Message) -> None:
        """Hear of one that ended."""
        event = unseal(message).event
        assert isinstance(event, CredentialRevoked)
        self.revoke(event.credential_id)

    @contextmanager
    def watching(self, ident: UUID, ended: Callable[[], object]) -> Iterator[None]:
        """Inside the block, call ``ended`` when this one ends, or now if it has."""
        watchers = self._watchers.setdefault(ident, set())
        watchers.add(ended)
        if ident in self._revoked:
            ended()
        try:
            yield
        finally:
            watchers.discard(ended)
            if not watchers:
                del self._watchers[ident]

    async def run(self) -> None:
        """Ask for ever."""
        while True:
            await asyncio.sleep(ROUND_SECONDS)
            await self.ask_again()

    async def ask_again(self) -> None:
        """Ask for all that are in use, and forget the others. While nobody answers, all stay."""
        self._forget()
        try:
            in_use = [i for i in {*self._used, *self._watchers} if i not in self._revoked]
            for start in range(0, len(in_use), _AT_ONCE):
                await self._confirm(in_use[start : start + _AT_ONCE])
        except Unavailable as error:
            log.warning("credentials_not_confirmed", error=str(error))

    def _forget(self) -> None:
        since = self._now() - _IN_USE_SECONDS
        for ident in [ident for ident, used in self._used.items() if used < since]:
            del self._used[ident]
            if ident not in self._watchers:
                self._confirmed.pop(ident, None)

    async def _first_time(self, ident: UUID) -> None:
        """Ask once, however many wait for the answer."""
        asking = self._asking.get(ident)
        if asking is None:
            asking = self._asking[ident] = asyncio.create_task(self._confirm([ident]))
            asking.add_done_callback(lambda _: self._asking.pop(ident))
        await asyncio.shield(asking)

    async def _confirm(self, idents: Sequence[UUID]) -> None:
        asked_at = self._now()
        live = await self._ask(idents)
        for ident in idents:
            if ident not in live:
                self.revoke(ident)
            elif ident not in self._revoked:
                self._confirmed[ident] = asked_at
