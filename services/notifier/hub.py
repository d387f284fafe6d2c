"""The hub: hands what was numbered to the sockets of this replica, in order and without gaps."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

import structlog
from prometheus_client import Counter

from services.notifier import store
from services.notifier.domain.notice import Notice, Stream
from services.notifier.sockets import Socket, text_frame
from services.notifier.store import News
from shared.blobs.signing import MediaSigner
from shared.contracts.context import Context
from shared.contracts.socket import RESTARTING
from shared.db import DATABASE_ERRORS, Database
from shared.web.answer import encode

log = structlog.get_logger()

POLL_SECONDS = 1.0
"""How long a lost word of new events can delay them."""

PAGE = 500
"""Notices of a tenant read at once."""


_STOP_SECONDS = 2.0
_BURST_BYTES = 64 * 1024
_BURST_PAUSE = 0.01  # seconds

frames = Counter("marquee_notifier_frames_total", "Frames pushed to WebSockets")


class Audience:
    """The sockets of one tenant in this replica; they have been told all up to ``offset``."""

    def __init__(self, stream: Stream) -> None:
        self.epoch = stream.epoch
        self.offset = stream.last_offset
        self.sockets: set[Socket] = set()
        self._followers: dict[str, set[Socket]] = {}

    def follow(self, socket: Socket, topics: Iterable[str]) -> None:
        """Push these topics to the socket from now on."""
        for topic in topics:
            socket.topics.add(topic)
            self._followers.setdefault(topic, set()).add(socket)

    def unfollow(self, socket: Socket, topics: Iterable[str]) -> None:
        """Push these topics no more."""
        for topic in topics:
            socket.topics.discard(topic)
            followers = self._followers.get(topic, set())
            followers.discard(socket)
            if not followers:
                self._followers.pop(topic, None)

    def tell(self, topics: Sequence[str], frame: bytes) -> None:
        """Push a frame to everyone who follows one of the topics, once."""
        following = [self._followers[topic] for topic in topics if topic in self._followers]
        listeners = set[Socket]().union(*following)
        for socket in listeners:
            socket.push(frame)
        frames.inc(len(listeners))


class Hub:
    """The audiences of all tenants that listen here."""

    def __init__(self, database: Database, signer: MediaSigner) -> None:
        self._database = database
        self._signer = signer
        self._audiences: dict[str, Audience] = {}
        self._woken = asyncio.Event()
        self._reading = asyncio.Lock()

    def wake(self) -> None:
        """Look for new events now."""
        self._woken.set()

    async def run(self) -> None:
        """Fan out until cancelled; while the database is away, try again every second."""
        while True:
            await self._wait()
            try:
                await self.catch_up()
            except DATABASE_ERRORS as error:
                log.warning("fan_out_paused", error=repr(error))
                await asyncio.sleep(POLL_SECONDS)

    async def join(self, socket: Socket) -> Stream:
        """Count a socket in; return the stream of its tenant."""
        stream = await self.stream(socket.tenant)
        self._audiences.setdefault(socket.tenant, Audience(stream)).sockets.add(socket)
        return stream

    def leave(self, socket: Socket) -> None:
        """Forget a socket; one that is not here is no error."""
        audience = self._audiences.get(socket.tenant)
        if audience is None or socket not in audience.sockets:
            return
        audience.unfollow(socket, list(socket.topics))
        audience.sockets.discard(socket)
        if not audience.sockets:
            del self._audiences[socket.tenant]

    def audience_of(self, socket: Socket) -> Audience:
        """The audience a socket is in. Raises ConnectionResetError if it is in none any more."""
        audience = self._audiences.get(socket.tenant)
        if audience is None or socket not in audience.sockets:
            raise ConnectionResetError("the socket has left")
        return audience

    async def stream(self, tenant: str) -> Stream:
        """A tenant's stream, all of which has been told to the sockets that are here."""
        async with self._database.transaction(Context(tenant)) as tx:
            stream = await store.stream(tx)
        if (audience := self._audiences.get(tenant)) and audience.offset < stream.last_offset:
            await self.catch_up()
        return stream

    async def between(
        self, tenant: str, after: int, upto: int, topics: Sequence[str]
    ) -> list[Notice]:
        """A page of what has been told to others already."""
        async with self._database.transaction(Context(tenant)) as tx:
            return await store.notices_between(tx, after, upto, PAGE, topics)

    async def catch_up(self) -> None:
        """Tell everyone what they have not been told yet."""
        async with self._reading:
            while await self._read_on():
                pass

    def tell(self, tenant: str, notice: Notice) -> None:
        """Tell a tenant's sockets; without anyone to hear it, nothing happens."""
        if audience := self._audiences.get(tenant):
            audience.tell(notice.topics, self.frame(notice))

    def frame(self, notice: Notice) -> bytes:
        """A notice as it is written to sockets."""
        return text_frame(encode(self.told(notice)))

    def told(self, notice: Notice) -> dict[str, Any]:
        """A notice as a listener gets it."""
        return notice.told(self._signer.url)

    async def close(self) -> None:
        """Send everyone away: another replica, or the next process, will take them."""
        everyone = [s for audience in self._audiences.values() for s in audience.sockets]
        if leaving := [socket.end(RESTARTING, "restarting") for socket in everyone]:
            await asyncio.wait(leaving, timeout=_STOP_SECONDS)

    async def _wait(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(POLL_SECONDS):
                await self._woken.wait()
        self._woken.clear()

    async def _read_on(self) -> bool:
        """Read and tell a page for each tenant; whether there may be more."""
        told = {tenant: audience.offset for tenant, audience in self._audiences.items()}
        if not told:
            return False
        async with self._database.system_transaction() as tx:
            found = await store.news(tx, told, PAGE)
        for news in found:
            if self._renumbered(news, told[news.tenant]):
                self._send_away(news.tenant)
            else:
                await self._spread(news)
        return any(len(news.notices) == PAGE for news in found)

    def _renumbered(self, news: News, told: int) -> bool:
        audience = self._audiences.get(news.tenant)
        return audience is not None and (audience.epoch != news.epoch or news.last_offset < told)

    async def _spread(self, news: News) -> None:
        """Tell a page, in bursts that an ordinary listener can take."""
        burst = 0
        for notice in news.notices:
            audience = self._audiences.get(news.tenant)
            if audience is None:
                return
            if notice.offset is None or notice.offset <= audience.offset:
                continue  # everyone left meanwhile, and others came
            frame = self.frame(notice)
            audience.tell(notice.topics, frame)
            audience.offset = notice.offset
            burst += len(frame)
            await asyncio.sleep(0 if burst < _BURST_BYTES else _BURST_PAUSE)
            burst %= _BURST_BYTES

    def _send_away(self, tenant: str) -> None:
        """The numbering began anew, as it does when a database is restored: nobody can go on."""
        log.warning("stream_renumbered", tenant=tenant)
        if audience := self._audiences.pop(tenant, None):
            for socket in audience.sockets:
                socket.end(RESTARTING, "renumbered")
