"""What identity promises about people."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher

from services.identity import commands, queries, store
from services.identity.commands import EmailTaken, InvalidCredentials, NewUser
from services.identity.passwords import hash_password, outdated
from shared.bus.outbox import Outbox
from shared.contracts.context import Context
from shared.contracts.envelope import unseal
from shared.contracts.identity import UserCreated, UserNotFound
from shared.db import Database
from shared.testing.fixtures import OpenDatabases

HERE = Context("default")


@pytest.fixture
async def database(databases: OpenDatabases) -> Database:
    opened = await databases("identity")
    database = opened["identity"]
    for tenant in ("default", "elsewhere"):
        async with database.transaction(Context(tenant)) as tx:
            await store.add_tenant(tx, tenant, tenant.title())
    return database


async def create(database: Database, email: str, *, password: str | None = None) -> None:
    hashed = await hash_password(password) if password else None
    async with database.transaction(HERE) as tx:
        await commands.create_user(tx, NewUser(email, "Mia", password_hash=hashed))


async def test_a_created_user_is_announced_in_the_same_transaction(database: Database) -> None:
    await create(database, "mia@example.com")

    [message] = await Outbox("identity", database).batch(10)
    event = unseal(message).event
    assert isinstance(event, UserCreated)
    assert (event.email, event.role, event.version) == ("mia@example.com", "user", 1)


async def test_an_address_is_taken_whatever_its_case_and_tenant(database: Database) -> None:
    await create(database, "mia@example.com")

    with pytest.raises(EmailTaken):
        async with database.transaction(Context("elsewhere")) as tx:
            await commands.create_user(tx, NewUser("MIA@example.com", "Mia"))


async def test_only_the_right_password_signs_in(database: Database) -> None:
    await create(database, "mia@example.com", password="correct horse")

    user = await commands.log_in(database, "Mia@Example.com", "correct horse")

    assert user["email"] == "mia@example.com"
    for email, password in [("mia@example.com", "wrong"), ("nobody@example.com", "correct horse")]:
        with pytest.raises(InvalidCredentials):
            await commands.log_in(database, email, password)


async def test_a_hash_of_former_strength_is_renewed_by_signing_in(
    database: Database,
) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1).hash("correct horse")
    async with database.transaction(HERE) as tx:
        await commands.create_user(tx, NewUser("mia@example.com", "Mia", password_hash=weak))

    for _ in range(2):
        await commands.log_in(database, "mia@example.com", "correct horse")
        async with database.transaction(HERE) as tx:
            user = await store.user_by_email(tx, "mia@example.com")
        assert user is not None
        assert not outdated(user["password_hash"])


async def test_nobody_signs_in_as_a_user_without_a_password(database: Database) -> None:
    await create(database, "mia@example.com")

    with pytest.raises(InvalidCredentials):
        await commands.log_in(database, "mia@example.com", "nobody has this password")


async def test_another_tenant_s_user_is_not_there(database: Database) -> None:
    async with database.transaction(HERE) as tx:
        user = await commands.create_user(tx, NewUser("mia@example.com", "Mia"))

    with pytest.raises(UserNotFound):
        async with database.transaction(Context("elsewhere")) as tx:
            await queries.user(tx, user["id"])


async def test_the_first_administrator_is_created_once(database: Database) -> None:
    first = await commands.create_first_administrator(database, "a@example.com", "correct horse")
    again = await commands.create_first_administrator(database, "b@example.com", "correct horse")

    assert (first, again) == (True, False)
    user = await commands.log_in(database, "a@example.com", "correct horse")
    assert user["role"] == "admin"
