"""What is said on a WebSocket: hello, then subscriptions and what they ask for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from services.notifier.domain.topics import Topic, may_follow
from services.notifier.hub import PAGE, Hub
from services.notifier.sockets import Socket
from shared.contracts.socket import (
    MISBEHAVED,
    Complaint,
    ComplaintCode,
    Hello,
    Said,
    Subscribe,
    Subscribed,
    Unsubscribe,
    Unsubscribed,
)

MOST_TOPICS = 1000
"""Topics one socket may follow."""

PATIENCE = 20
"""Messages that make no sense before a socket is closed."""

_message: TypeAdapter[Subscribe | Unsubscribe] = TypeAdapter(
    Annotated[Subscribe | Unsubscribe, Field(discriminator="action")]
)


class NotUnderstood(Exception):
    """A message that cannot be acted upon; ``code`` is for programs."""

    def __init__(self, code: ComplaintCode, detail: str) -> None:
        super().__init__(detail)
        self.code = code


class Conversation:
    """One listener's talk with the hub."""

    def __init__(self, socket: Socket, hub: Hub) -> None:
        self._socket = socket
        self._hub = hub
        self._patience = PATIENCE

    async def hold(self, since: int | None, epoch: str | None) -> None:
        """Say hello, then answer until the listener leaves or is sent away.

        ``since`` and ``epoch`` are what the listener had before: hello says whether a
        subscription from there will miss nothing.
        """
        try:
            stream = await self._hub.join(self._socket)
            await self._send(
                Hello(
                    epoch=stream.epoch,
                    offset=stream.last_offset,
                    recovered=stream.recovers(since, epoch),
                )
            )
            while (message := await self._socket.receive()) is not None:
                await self._answer(message)
        finally:
            self._hub.leave(self._socket)

    async def _answer(self, message: bytes) -> None:
        try:
            match _understood(message):
                case Subscribe() as wanted:
                    await self._subscribe(wanted)
                case Unsubscribe() as unwanted:
                    await self._unsubscribe(unwanted)
        except NotUnderstood as error:
            await self._complain(error)

    async def _subscribe(self, wanted: Subscribe) -> None:
        """Answer, replay what was missed, and go on live without a gap in between."""
        topics = self._allowed(wanted.topics)
        if len(self._socket.topics.union(topics)) > MOST_TOPICS:
            raise NotUnderstood("too_many_topics", f"at most {MOST_TOPICS} topics a socket")
        stream = await self._hub.stream(self._socket.tenant)
        recovered = stream.recovers(wanted.since, wanted.epoch)
        audience = self._hub.audience_of(self._socket)
        after = wanted.since if recovered and wanted.since is not None else audience.offset
        await self._send(Subscribed(topics=topics, recovered=recovered))
        while after < audience.offset:
            after = await self._replay(after, audience.offset, topics)
        self._hub.audience_of(self._socket).follow(self._socket, topics)

    async def _replay(self, after: int, upto: int, topics: list[str]) -> int:
        """Send a page of what has been told already; return how far that goes."""
        page = await self._hub.between(self._socket.tenant, after, upto, topics)
        for notice in page:
            await self._socket.send(self._hub.told(notice))
        if len(page) < PAGE or page[-1].offset is None:
            return upto
        return page[-1].offset

    async def _unsubscribe(self, unwanted: Unsubscribe) -> None:
        topics = [str(topic) for topic in _parsed(unwanted.topics)]
        self._hub.audience_of(self._socket).unfollow(self._socket, topics)
        await self._send(Unsubscribed(topics=topics))

    def _allowed(self, asked: Iterable[str]) -> list[str]:
        topics = _parsed(asked)
        for topic in topics:
            if not may_follow(topic, self._socket.actor, self._socket.role):
                raise NotUnderstood("forbidden", f"{topic} is not yours to follow")
        return list(dict.fromkeys(str(topic) for topic in topics))

    async def _complain(self, error: NotUnderstood) -> None:
        self._patience -= 1
        await self._send(Complaint(code=error.code, detail=str(error)))
        if self._patience <= 0:
            self._socket.end(MISBEHAVED, "too many messages that make no sense")

    async def _send(self, words: Said) -> None:
        await self._socket.send(words.model_dump())


def _understood(message: bytes) -> Subscribe | Unsubscribe:
    try:
        return _message.validate_json(message)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(str(step) for step in first["loc"][1:])
        detail = f"{place}: {first['msg']}" if place else first["msg"]
        raise NotUnderstood("invalid_message", detail) from None


def _parsed(asked: Iterable[str]) -> list[Topic]:
    try:
        return [Topic.parse(text) for text in asked]
    except ValueError as error:
        raise NotUnderstood("invalid_topic", str(error)) from None
