"""Events: typed facts with a registry, so that every name on the bus has exactly one shape."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict

_registry: dict[str, type[Event]] = {}


class UnknownEvent(LookupError):
    """No event of this name and major version is registered here."""


class Event(BaseModel):
    """A fact, past tense, owned by the service that publishes it.

    ``name`` is the routing key ``<service>.<entity>.<past verb>``; ``major`` changes only when a
    breaking change gets a new shape beside the old one. ``subject`` names the field that
    identifies what the fact is about. A ``transient`` event is worth nothing a second later: it
    bypasses the outbox and is neither stored nor audited.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: ClassVar[str]
    major: ClassVar[int] = 1
    subject: ClassVar[str]
    transient: ClassVar[bool] = False

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if cls.__dict__.get("name") is None:
            return
        if cls.name in _registry:
            raise TypeError(f"event {cls.name} is defined twice")
        if cls.subject not in cls.model_fields:
            raise TypeError(f"event {cls.name} has no field {cls.subject!r} to be its subject")
        _registry[cls.name] = cls

    @classmethod
    def type(cls) -> str:
        """The CloudEvents ``type``: name and major version."""
        return f"{cls.name}.v{cls.major}"

    @classmethod
    def source(cls) -> str:
        """The publishing service, from the name."""
        return cls.name.partition(".")[0]

    @property
    def subject_id(self) -> str:
        """The id of what this fact is about."""
        return str(getattr(self, self.subject))

    def body(self) -> bytes:
        """The JSON body as it travels."""
        return self.model_dump_json().encode()

    @classmethod
    def read(cls, body: bytes) -> Self:
        """Parse a body, ignoring what newer publishers add. Raises pydantic.ValidationError."""
        return cls.model_validate_json(body, extra="ignore")


def event_of_type(cloudevent_type: str) -> type[Event]:
    """The event class for a CloudEvents ``type``. Raises UnknownEvent."""
    name, _, major = cloudevent_type.rpartition(".v")
    event = _registry.get(name)
    if event is None or str(event.major) != major:
        raise UnknownEvent(cloudevent_type)
    return event


def all_events() -> dict[str, type[Event]]:
    """Every registered event by name."""
    return dict(sorted(_registry.items()))
