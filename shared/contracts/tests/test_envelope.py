"""What an envelope promises, and what it refuses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from shared.contracts.actor import SYSTEM, Actor
from shared.contracts.context import Context
from shared.contracts.converter import AssetProgressed, TicketIssued
from shared.contracts.envelope import MalformedMessage, Message, rfc3339, seal, unseal
from shared.contracts.event import Event, UnknownEvent
from shared.contracts.topology import QUEUES

ID = UUID("0192e4a0-0000-7000-8000-000000000001")
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def sealed(**changes: str) -> Message:
    message = seal(TicketIssued(ticket_id=ID), ident=ID, time=NOON, context=Context("default"))
    return Message(message.id, message.name, {**message.headers, **changes}, message.body)


def test_times_are_utc_with_six_decimals() -> None:
    kathmandu = timezone(timedelta(hours=5, minutes=45))

    assert rfc3339(NOON.astimezone(kathmandu)) == "2026-03-01T12:00:00.000000Z"


def test_a_year_has_four_digits() -> None:
    assert rfc3339(datetime(208, 1, 1, tzinfo=UTC)) == "0208-01-01T00:00:00.000000Z"


@pytest.mark.parametrize("actor", [SYSTEM, Actor.user(ID), Actor("key", ID)])
def test_an_actor_survives_the_journey(actor: Actor) -> None:
    assert Actor.parse(str(actor)) == actor


@pytest.mark.parametrize("text", ["", "system:1", "user", "user:7", "robot:" + str(ID)])
def test_what_is_no_actor_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"actor|UUID"):
        Actor.parse(text)


@pytest.mark.parametrize(
    "changes",
    [{"ce-id": "7"}, {"ce-time": "noon"}, {"ce-actor": "nobody"}, {"ce-causationid": "x"}],
)
def test_a_broken_envelope_is_malformed(changes: dict[str, str]) -> None:
    with pytest.raises(MalformedMessage):
        unseal(sealed(**changes))


def test_a_broken_body_is_malformed() -> None:
    message = sealed()

    with pytest.raises(MalformedMessage):
        unseal(Message(message.id, message.name, message.headers, b"{"))


@pytest.mark.parametrize("kind", ["converter.ticket.issued.v2", "converter.ticket.lost.v1", ""])
def test_an_unknown_type_or_major_is_told_apart(kind: str) -> None:
    with pytest.raises(UnknownEvent):
        unseal(sealed(**{"ce-type": kind}))


def test_publishing_an_unknown_field_is_refused() -> None:
    surplus: dict[str, Any] = {"ticket_id": ID, "colour": "blue"}

    with pytest.raises(ValidationError):
        TicketIssued(**surplus)


def test_two_events_cannot_share_a_name() -> None:
    with pytest.raises(TypeError, match="twice"):

        class Again(Event):
            name = "converter.ticket.issued"
            subject = "ticket_id"
            ticket_id: UUID


def test_a_transient_event_is_bound_to_no_durable_queue() -> None:
    assert all(AssetProgressed not in queue.events for queue in QUEUES)
    assert not any(event.transient for queue in QUEUES for event in queue.events)
