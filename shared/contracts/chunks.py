"""Messages about many users at once, taken apart into the facts they hold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from uuid import UUID, uuid5

from shared.contracts.assignment import Chunk
from shared.contracts.envelope import Envelope
from shared.contracts.event import Event


def singly(envelope: Envelope[Event]) -> Iterable[Envelope[Event]]:
    """Each fact of a chunk in an envelope of its own; of anything else, the envelope itself.

    The ids are made from that of the chunk (UUIDv5, RFC 9562, section 5.5): the same chunk, come
    twice, is the same facts twice.
    """
    chunk = envelope.event
    if not isinstance(chunk, Chunk):
        return (envelope,)
    return [
        replace(envelope, id=_id_within(envelope.id, fact), event=fact) for fact in chunk.facts()
    ]


def _id_within(chunk_id: UUID, fact: Event) -> UUID:
    about = getattr(fact, "assignment_id", "")
    return uuid5(chunk_id, f"{fact.name}/{about}")
