"""What can be done with people: create, change, sign in, and make sure there is a first one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from asyncpg import Record, UniqueViolationError

from services.identity import store, vault
from services.identity.passwords import hash_password, outdated, verify_password
from shared.contracts.actor import Actor
from shared.contracts.context import DEFAULT_TENANT, Context
from shared.contracts.identity import Role, UserChanged, UserCreated, UserField, UserNotFound
from shared.contracts.refusal import Refusal
from shared.db import Database, Tx

_FIRST_ADMINISTRATOR = 0x6D61727175656531
"""The lock that keeps two replicas that start at once from creating two."""


class EmailTaken(Refusal):
    """Somebody, of this or another tenant, has the address."""

    code = "email_taken"
    status = 409
    title = "Email address taken"


class InvalidCredentials(Refusal):
    """The address or the password is wrong; which of them is not told."""

    code = "invalid_credentials"
    status = 401
    title = "Invalid credentials"


class LastAdministrator(Refusal):
    """Without this administrator nobody could administrate."""

    code = "last_administrator"
    status = 409
    title = "The last administrator"


class CannotDisableYourself(Refusal):
    """It would be a slip: whoever means it asks another administrator."""

    code = "cannot_disable_yourself"
    status = 409
    title = "You cannot disable yourself"


@dataclass(frozen=True, slots=True)
class NewUser:
    """A person to be created; without a password nobody can sign in as them."""

    email: str
    name: str
    role: Role = "user"
    password_hash: str | None = None


async def create_user(tx: Tx, new: NewUser) -> dict[str, Any]:
    """Create a user of the transaction's tenant. Refuses an address that is taken."""
    row = {
        "id": tx.new_id(),
        "tenant_id": tx.context.tenant,
        "email": new.email,
        "name": new.name,
        "role": new.role,
        "password_hash": new.password_hash,
        "disabled": False,
        "version": 1,
        "created_at": await tx.now(),
    }
    try:
        await store.add_user(tx, row)
    except UniqueViolationError:
        raise EmailTaken(f"There is already a user with the address {new.email}.") from None
    tx.emit(
        UserCreated(
            user_id=row["id"],
            email=new.email,
            display_name=new.name,
            role=new.role,
            disabled=False,
            version=1,
            created_at=row["created_at"],
        )
    )
    return row


@dataclass(frozen=True, slots=True)
class Changes:
    """What shall be different about a person; None leaves it as it is."""

    name: str | None = None
    role: Role | None = None
    disabled: bool | None = None

    @property
    def may_remove_an_administrator(self) -> bool:
        """Whether an administrator would be none any more."""
        return self.role == "user" or self.disabled is True


@dataclass(frozen=True, slots=True)
class Changed:
    """A person as they are now, and the sessions that ended with the change."""

    user: Record
    ended: list[UUID]


async def change_user(tx: Tx, ident: UUID, changes: Changes) -> Changed:
    """Change a user. Refuses what would leave the tenant without an administrator.

    All administrators are locked first: of two who disable each other at once, one is the last.
    Who is disabled or gets another role is signed out everywhere.
    """
    removing = changes.may_remove_an_administrator
    administrators = await store.lock_administrators(tx) if removing else set()
    user = await store.user_for_change(tx, ident)
    if user is None:
        raise UserNotFound(f"There is no user {ident}.")
    if removing and administrators == {ident}:
        raise LastAdministrator("Make somebody else an administrator first.")
    if changes.disabled and tx.context.actor == Actor.user(ident):
        raise CannotDisableYourself("Ask another administrator to disable you.")
    wanted = {
        name: user[name] if (value := getattr(changes, name)) is None else value for name in _FIELDS
    }
    different: list[UserField] = [name for name in _FIELDS if user[name] != wanted[name]]
    if not different:
        return Changed(user, [])
    changed = await store.change_user(tx, ident, **wanted)
    tx.emit(_told(changed, different))
    signed_out = "role" in different or "disabled" in different
    return Changed(changed, await vault.end_sessions(tx, ident) if signed_out else [])


_FIELDS: tuple[UserField, ...] = ("name", "role", "disabled")


def _told(user: Record, different: list[UserField]) -> UserChanged:
    return UserChanged(
        user_id=user["id"],
        email=user["email"],
        display_name=user["name"],
        role=user["role"],
        disabled=user["disabled"],
        changed=different,
        version=user["version"],
    )


async def log_in(database: Database, email: str, password: str) -> Record:
    """The user that these credentials belong to. Refuses everybody else in the same time."""
    async with database.system_transaction() as tx:
        user = await store.user_by_email(tx, email)
    fits = await verify_password(user["password_hash"] if user else None, password)
    if user is None or user["disabled"] or not fits:
        raise InvalidCredentials("The email address or the password is wrong.")
    if outdated(user["password_hash"]):
        await _renew_hash(database, user, password)
    return user


async def _renew_hash(database: Database, user: Record, password: str) -> None:
    """Hash the password as new ones are: only now is it known."""
    new = await hash_password(password)
    async with database.transaction(Context(user["tenant_id"])) as tx:
        await store.renew_hash(tx, user["id"], user["password_hash"], new)


async def create_first_administrator(database: Database, email: str, password: str) -> bool:
    """Create the default tenant and its administrator, if there is nobody; whether it did."""
    password_hash = await hash_password(password)
    async with database.transaction(Context(DEFAULT_TENANT), _FIRST_ADMINISTRATOR) as tx:
        if await store.any_user(tx):
            return False
        await store.add_tenant(tx, DEFAULT_TENANT, "Default")
        await create_user(tx, NewUser(email, "Administrator", "admin", password_hash))
        return True


async def anybody(database: Database) -> bool:
    """Whether the default tenant has a user."""
    async with database.transaction(Context(DEFAULT_TENANT)) as tx:
        return await store.any_user(tx)
