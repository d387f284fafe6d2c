"""Topics: what a listener can follow, and who may follow it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from shared.contracts.actor import Actor
from shared.contracts.event import Event
from shared.contracts.identity import Role

_ALL = ("assets", "operations")
_ONE = ("asset", "user")


@dataclass(frozen=True, slots=True)
class Topic:
    """``assets``, ``operations``, ``asset:<id>`` or ``user:<id>``."""

    kind: str
    id: UUID | None = None

    def __str__(self) -> str:
        return self.kind if self.id is None else f"{self.kind}:{self.id}"

    @classmethod
    def parse(cls, text: str) -> Topic:
        """Read what ``str`` wrote. Raises ValueError for anything else."""
        kind, separator, ident = text.partition(":")
        if kind in _ALL and not separator:
            return cls(kind)
        if kind in _ONE:
            return cls(kind, UUID(ident))
        raise ValueError(f"not a topic: {text!r}")


def may_follow(topic: Topic, actor: Actor, role: Role) -> bool:
    """Administrators follow anything in their tenant, others only what happens to themselves."""
    return role == "admin" or (actor.kind == "user" and topic == Topic("user", actor.id))


def topics_of(event: Event) -> list[Topic]:
    """The topics under which an event is told."""
    about: Any = event
    kind = event.name.rpartition(".")[0]
    match kind:
        case "converter.asset":
            return [Topic("assets"), Topic("asset", about.asset_id)]
        case "assignment.asset":
            return [
                Topic("assets"),
                Topic("asset", about.asset_id),
                Topic("user", about.user_id),
            ]
        case "assignment.operation":
            return [Topic("operations")]
    return []
