"""The envelope: CloudEvents 1.0, binary content mode, as AMQP headers.

Source: CloudEvents 1.0.2 and its protocol bindings; extension attributes ``tenantid``, ``actor``,
``correlationid`` and ``causationid`` follow its naming rule (lower case letters and digits only),
``traceparent`` its distributed tracing extension.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar
from uuid import UUID

from shared.contracts.actor import Actor
from shared.contracts.context import Context
from shared.contracts.event import Event, event_of_type

E = TypeVar("E", bound=Event)


@dataclass(frozen=True, slots=True)
class Message:
    """An event as bytes on the wire: what buses carry, without knowing what it says."""

    id: UUID
    name: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Envelope(Generic[E]):
    """An event with its place in the world."""

    id: UUID
    time: datetime
    context: Context
    event: E


class MalformedMessage(ValueError):
    """The headers or the body do not form an envelope; no retry will change that."""


def event_name(headers: Mapping[str, str], otherwise: str) -> str:
    """The event's name by its type, whatever it was routed by."""
    return headers.get("ce-type", "").rpartition(".v")[0] or otherwise


def rfc3339(moment: datetime) -> str:
    """UTC with six decimals and ``Z`` (RFC 3339)."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def seal(event: Event, *, ident: UUID, time: datetime, context: Context) -> Message:
    """Put an event into its envelope."""
    headers = {
        "ce-specversion": "1.0",
        "ce-id": str(ident),
        "ce-type": event.type(),
        "ce-source": f"/marquee/{event.source()}",
        "ce-time": rfc3339(time),
        "ce-subject": event.subject_id,
        "ce-tenantid": context.tenant,
        "ce-actor": str(context.actor),
    }
    optional = {
        "ce-correlationid": context.correlation_id,
        "ce-causationid": str(context.causation_id) if context.causation_id else None,
        "traceparent": context.traceparent,
    }
    headers |= {key: value for key, value in optional.items() if value}
    return Message(ident, event.name, headers, event.body())


def unseal(message: Message) -> Envelope[Event]:
    """Open an envelope. Raises UnknownEvent or MalformedMessage."""
    headers = message.headers
    try:
        event_class = event_of_type(headers["ce-type"])
        causation = headers.get("ce-causationid")
        context = Context(
            tenant=headers["ce-tenantid"],
            actor=Actor.parse(headers["ce-actor"]),
            correlation_id=headers.get("ce-correlationid"),
            causation_id=UUID(causation) if causation else None,
            traceparent=headers.get("traceparent"),
        )
        time = datetime.fromisoformat(headers["ce-time"])
        return Envelope(UUID(headers["ce-id"]), time, context, event_class.read(message.body))
    except (KeyError, ValueError) as error:  # pydantic.ValidationError is a ValueError
        raise MalformedMessage(f"{message.name} {message.id}: {error}") from error
