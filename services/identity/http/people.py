"""Routes about people, for administrators."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field, StrictBool

from services.identity import commands, queries
from services.identity.commands import (
    CannotDisableYourself,
    Changes,
    EmailTaken,
    LastAdministrator,
    NewUser,
)
from services.identity.http.parts import (
    END_OF_TIME,
    Email,
    Name,
    Parts,
    Password,
    User,
    routes,
)
from services.identity.passwords import hash_password
from shared.contracts.identity import Role, UserNotFound
from shared.db import Tx
from shared.web import Answer, Call, Page, PageQuery


class NewUserBody(BaseModel):
    """A person to be created; without a password nobody can sign in as them."""

    email: Email
    name: Name
    role: Role = "user"
    password: Password | None = None


class UserChanges(BaseModel):
    """What shall be different; what is left out stays as it is."""

    name: Name | None = None
    role: Role | None = None
    disabled: StrictBool | None = None


class UsersQuery(PageQuery):
    """``query`` searches in addresses and names."""

    query: Annotated[str, Field(max_length=200)] = ""


@routes.post("/api/admin/users", answers={201: User}, refusals=[EmailTaken], idempotent=True)
async def create_user(call: Call[Parts], body: NewUserBody) -> Answer:
    """Create a user."""
    hashed = await hash_password(body.password) if body.password else None
    new = NewUser(body.email, body.name, body.role, hashed)

    async def command(tx: Tx) -> Answer:
        user = User.model_validate(dict(await commands.create_user(tx, new)))
        return Answer(201, user, {"Location": f"/api/admin/users/{user.id}"})

    return await call.once(call.parts.database, command)


@routes.get("/api/admin/users")
async def search_users(call: Call[Parts], query: UsersQuery) -> Page[User]:
    """Search users, newest first."""
    async with call.parts.database.transaction(call.context) as tx:
        before = query.cursor or END_OF_TIME
        rows = await queries.users_page(tx, query.query, before, query.limit + 1)
    found = [User.model_validate(dict(row)) for row in rows]
    return Page[User].of(found, query.limit, lambda user: (user.created_at, user.id))


@routes.get("/api/admin/users/{user_id}", refusals=[UserNotFound], tagged=True)
async def show_user(call: Call[Parts], user_id: UUID) -> User:
    """Show a user."""
    async with call.parts.database.transaction(call.context) as tx:
        return User.model_validate(dict(await queries.user(tx, user_id)))


@routes.patch(
    "/api/admin/users/{user_id}",
    refusals=[UserNotFound, LastAdministrator, CannotDisableYourself],
)
async def change_user(call: Call[Parts], user_id: UUID, body: UserChanges) -> User:
    """Change a user's name or role, or disable or enable them.

    Whoever is disabled or gets another role is signed out everywhere, at once.
    """
    changes = Changes(body.name, body.role, body.disabled)
    async with call.parts.database.transaction(call.context) as tx:
        changed = await commands.change_user(tx, user_id, changes)
    await call.parts.announcer.revoked(call.context, changed.ended)
    return User.model_validate(dict(changed.user))
