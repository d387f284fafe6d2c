"""What ``identity`` publishes, and what is said of a person it has told nobody of."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from shared.contracts.event import Event
from shared.contracts.refusal import Refusal

Role = Literal["user", "admin"]


class UserCreated(Event):
    """A person can now be assigned assets, or administrate them."""

    name = "identity.user.created"
    subject = "user_id"

    user_id: UUID
    email: str
    display_name: str
    role: Role
    disabled: bool
    version: int
    created_at: datetime


UserField = Literal["name", "role", "disabled"]


class UserChanged(Event):
    """A person is called otherwise, may do more or less, or may not sign in any more."""

    name = "identity.user.changed"
    subject = "user_id"

    user_id: UUID
    email: str
    display_name: str
    role: Role
    disabled: bool
    changed: list[UserField]
    version: int


class UserRestated(Event):
    """A person as they are now, told again to one who keeps copies; nothing has happened."""

    name = "identity.user.restated"
    subject = "user_id"

    user_id: UUID
    email: str
    display_name: str
    role: Role
    disabled: bool
    version: int

    @property
    def may_have_administrated(self) -> bool:
        """Whether deeds may be theirs: who was an administrator once has changed since."""
        return self.role == "admin" or self.version > 1


class CredentialRevoked(Event):
    """A session or an API key is good no more; who missed this finds out by asking."""

    name = "identity.credential.revoked"
    subject = "credential_id"
    transient = True

    credential_id: UUID


class ApiKeyCreated(Event):
    """A program can now sign in."""

    name = "identity.api_key.created"
    subject = "key_id"

    key_id: UUID
    prefix: str
    role: Role
    expires_at: datetime | None


class ApiKeyDeleted(Event):
    """A program cannot sign in any more."""

    name = "identity.api_key.deleted"
    subject = "key_id"

    key_id: UUID
    prefix: str
    role: Role


class UserNotFound(Refusal):
    """The tenant has no such user, as far as is known here."""

    code = "user_not_found"
    status = 404
    title = "User not found"
