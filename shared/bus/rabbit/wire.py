"""Messages as AMQP 0-9-1 carries them: CloudEvents headers, the event's id as ``message_id``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID, uuid5

import aio_pika
from aio_pika.abc import HeadersType
from aiormq.abc import DeliveredMessage

from shared.bus.port import ParkedMessage
from shared.contracts.envelope import Message, event_name, rfc3339

_ATTEMPT = "x-marquee-attempt"
_REASON = "x-marquee-reason"
_REASONED_AT = "x-marquee-reasoned-at"
_BROKERS_REASON = "x-first-death-reason"

_LONGEST_REASON = 1000

_STRANGERS = UUID("6d617271-7565-4e65-8000-000000000000")
"""The namespace of ids for messages that have none (RFC 9562, version 5)."""


def to_amqp(
    message: Message,
    *,
    durable: bool = True,
    attempt: int = 0,
    notes: Mapping[str, str] | None = None,
) -> aio_pika.Message:
    """Pack a message; the attempt and the notes travel beside its own headers."""
    headers: HeadersType = {**message.headers, **(notes or {})}
    if attempt:
        headers[_ATTEMPT] = attempt
    mode = aio_pika.DeliveryMode.PERSISTENT if durable else aio_pika.DeliveryMode.NOT_PERSISTENT
    return aio_pika.Message(
        message.body,
        headers=headers,
        message_id=str(message.id),
        content_type="application/json",
        type=message.headers.get("ce-type", f"{message.name}.v"),
        timestamp=_time(message),
        app_id=event_name(message.headers, message.name).partition(".")[0],
        delivery_mode=mode,
    )


def from_amqp(incoming: DeliveredMessage) -> Message:
    """Unpack a message.

    One without a UUID gets one made from what it has, so that it can be parked and replayed;
    whoever unseals it finds it malformed.
    """
    headers = {
        key: value.decode(errors="replace") if isinstance(value, bytes) else str(value)
        for key, value in _headers(incoming).items()
        if not key.startswith("x-")
    }
    name, _, _ = (incoming.header.properties.message_type or "").rpartition(".v")
    return Message(_ident(incoming), name or incoming.routing_key or "", headers, incoming.body)


def _headers(incoming: DeliveredMessage) -> HeadersType:
    return incoming.header.properties.headers or {}


def _ident(incoming: DeliveredMessage) -> UUID:
    told = incoming.header.properties.message_id
    try:
        return UUID(told)
    except (TypeError, ValueError):
        lasting = {k: v for k, v in _headers(incoming).items() if not k.startswith("x-")}
        given = f"{told} {lasting} {incoming.body!r}"
        return uuid5(_STRANGERS, given)


def tag_of(incoming: DeliveredMessage) -> int:
    """By what the broker knows the delivery on its channel."""
    assert incoming.delivery_tag is not None, "it was delivered"
    return incoming.delivery_tag


def attempt_of(incoming: DeliveredMessage) -> int:
    """How many attempts came before this one."""
    attempt = _headers(incoming).get(_ATTEMPT, 0)
    return attempt if isinstance(attempt, int) else 0


def why(reason: str) -> dict[str, str]:
    """Notes on a message that failed now."""
    return {_REASON: reason[:_LONGEST_REASON], _REASONED_AT: rfc3339(datetime.now(UTC))}


def from_parked(queue: str, incoming: DeliveredMessage) -> ParkedMessage:
    """What lies in a parked queue, whether we put it there or the broker did."""
    headers = _headers(incoming)
    given_up = headers.get(_BROKERS_REASON)
    reasoned_at = None if given_up else headers.get(_REASONED_AT)
    return ParkedMessage(
        queue=queue,
        message=from_amqp(incoming),
        reason=str(given_up or headers.get(_REASON, "")),
        attempts=attempt_of(incoming),
        parked_at=datetime.fromisoformat(str(reasoned_at)) if reasoned_at else _died(incoming),
    )


def _died(incoming: DeliveredMessage) -> datetime:
    """When the broker gave it up, as far as it says so; it keeps no fractions of a second."""
    deaths = _headers(incoming).get("x-death")
    told = deaths if isinstance(deaths, list) else []
    times = [death.get("time") for death in told if isinstance(death, dict)]
    moments = [time for time in times if isinstance(time, datetime)]
    return max(moments).astimezone(UTC) if moments else _sent(incoming)


def _sent(incoming: DeliveredMessage) -> datetime:
    return incoming.header.properties.timestamp or datetime.fromtimestamp(0, UTC)


def _time(message: Message) -> datetime:
    try:
        return datetime.fromisoformat(message.headers["ce-time"])
    except (KeyError, ValueError):
        return datetime.now(UTC)
