"""Sessions, keys and tickets: what they are worth, and when it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from aiohttp.test_utils import TestClient, TestServer
from joserfc import jwt
from joserfc.jwk import KeySet
from structlog.testing import capture_logs

from services.identity import commands, http, store
from services.identity.commands import Changes, LastAdministrator, NewUser
from services.identity.passwords import hash_password
from services.identity.tests.world import Loudspeaker, parts
from shared.bus.outbox import Outbox
from shared.contracts.actor import Actor
from shared.contracts.context import Context
from shared.contracts.envelope import unseal
from shared.contracts.identity import ApiKeyCreated, ApiKeyDeleted, UserChanged
from shared.runtime.ids import new_id
from shared.testing.callers import SEAL, signed
from shared.testing.databases import Databases
from shared.testing.fixtures import OpenDatabases
from shared.web.actor import HEADER, Claims
from shared.web.application import application

ADMIN = {"email": "admin@example.com", "password": "correct horse"}
KEYS = "/api/admin/api-keys"
HERE = Context("default")


@dataclass
class World:
    """Identity with its first administrator, and what it broadcasts."""

    client: TestClient
    databases: Databases
    bus: Loudspeaker

    async def call(self, method: str, path: str, expect: int = 200, **more: Any) -> Any:
        """Make a call as a strange administrator, unless headers say otherwise."""
        more.setdefault("headers", signed())
        async with self.client.request(method, path, **more) as answer:
            body = await answer.json() if answer.content_length else None
            assert answer.status == expect, body
            return body

    async def log_in(self, **credentials: str) -> tuple[Any, UUID]:
        """Sign in; return the answer, and the session."""
        answer = await self.call("POST", "/api/auth/login", json=credentials or ADMIN, headers={})
        keys = KeySet.import_key_set(await self.call("GET", "/.well-known/jwks.json"))
        claims = jwt.decode(answer["access_token"], keys, algorithms=["Ed25519"]).claims
        return answer, UUID(claims["sid"])

    async def is_live(self, ident: UUID) -> bool:
        """What a gateway is told."""
        asked = {"ids": [str(ident)]}
        answer = await self.call("POST", "/internal/credentials/live", json=asked)
        return bool(answer["ids"] == [str(ident)])

    async def redeem(self, what: str, secret: str) -> Any:
        """What a secret is worth to a gateway."""
        answer = await self.call("POST", f"/internal/{what}/redeem", json={"secret": secret})
        return answer["grant"]

    async def told(self) -> list[Any]:
        """The events that were emitted."""
        messages = await Outbox("identity", self.databases["identity"]).batch(100)
        return [unseal(message).event for message in messages]


def by(user: Any, credential: UUID) -> dict[str, str]:
    """The headers of somebody who signed in."""
    actor, until = Actor.user(UUID(user["id"])), datetime.now(UTC).timestamp() + 60
    return {HEADER: SEAL.sign(Claims("default", actor, user["role"], until, credential))}


@pytest.fixture
async def world(databases: OpenDatabases) -> AsyncIterator[World]:
    opened, bus = await databases("identity"), Loudspeaker()
    database = opened["identity"]
    await commands.create_first_administrator(database, ADMIN["email"], ADMIN["password"])
    app = application("identity", [http.routes.given(parts(database, bus))], seal=SEAL)
    async with TestClient(TestServer(app)) as client:
        yield World(client, opened, bus)


async def test_a_session_lasts_from_signing_in_to_signing_out(world: World) -> None:
    answer, session = await world.log_in()
    me = by(answer["user"], session)
    assert await world.is_live(session)
    shown = await world.call("GET", "/api/auth/session", headers=me)
    assert shown["user"] == answer["user"]
    assert shown["csrf_token"]

    await world.call("POST", "/api/auth/logout", 204, headers=me)

    assert not await world.is_live(session)
    assert world.bus.revoked == [session]
    nobody = {"user": None, "csrf_token": None}
    assert await world.call("GET", "/api/auth/session", headers=me) == nobody


async def test_nobody_is_signed_in_as_nobody(world: World) -> None:
    shown = await world.call("GET", "/api/auth/session", headers={})
    assert shown == {"user": None, "csrf_token": None}


@pytest.mark.parametrize("path", ["/api/auth/logout", "/api/auth/ws-ticket"])
async def test_only_who_is_signed_in_can_leave(world: World, path: str) -> None:
    await world.call("POST", path, 401, headers={})


async def test_a_session_ends_after_eight_hours(world: World) -> None:
    _, session = await world.log_in()
    world.databases.clock.offset += timedelta(hours=8)
    assert not await world.is_live(session)


async def test_each_session_has_a_token_of_its_own_against_forgery(world: World) -> None:
    tokens = set()
    for _ in range(2):
        answer, session = await world.log_in()
        shown = await world.call("GET", "/api/auth/session", headers=by(answer["user"], session))
        tokens.add(shown["csrf_token"])
    assert len(tokens) == 2


async def test_too_many_attempts_on_one_account_from_one_address_are_refused(world: World) -> None:
    app = application(
        "identity",
        [http.routes.given(parts(world.databases["identity"], login_rate="3/minute"))],
        seal=SEAL,
    )
    wrong = {**ADMIN, "password": "wrong"}
    async with TestClient(TestServer(app)) as client:
        for status in (401, 401, 401, 429):
            async with client.post("/api/auth/login", json=wrong) as answer:
                assert answer.status == status
        assert 1 <= int(answer.headers["Retry-After"]) <= 60
        elsewhere = {"X-Forwarded-For": "192.0.2.7"}
        async with client.post("/api/auth/login", json=ADMIN, headers=elsewhere) as answer:
            assert answer.status == 200, "somebody else's attempts lock nobody out"


async def test_one_password_is_not_tried_on_everybody_from_one_address(world: World) -> None:
    app = application(
        "identity",
        [http.routes.given(parts(world.databases["identity"], address_rate="3/minute"))],
        seal=SEAL,
    )
    async with TestClient(TestServer(app)) as client:
        with capture_logs() as logs:
            for number, status in enumerate((401, 401, 401, 429)):
                somebody = {"email": f"{number}@example.com", "password": "letmein1"}
                async with client.post("/api/auth/login", json=somebody) as answer:
                    assert answer.status == status
        assert [each["event"] for each in logs].count("sign_in_refused") == 3
        assert "@example.com" not in str(logs)
        elsewhere = {"X-Forwarded-For": "192.0.2.7"}
        async with client.post("/api/auth/login", json=ADMIN, headers=elsewhere) as answer:
            assert answer.status == 200


async def _mia(world: World, **more: str) -> Any:
    body = {"email": "mia@example.com", "name": "Mia", "password": "correct horse", **more}
    return await world.call("POST", "/api/admin/users", 201, json=body)


@pytest.mark.parametrize("change", [{"role": "admin"}, {"disabled": True}])
async def test_a_change_of_what_somebody_may_do_signs_them_out(world: World, change: Any) -> None:
    mia = await _mia(world)
    _, session = await world.log_in(email="mia@example.com", password="correct horse")

    changed = await world.call("PATCH", f"/api/admin/users/{mia['id']}", json=change)

    assert changed == mia | change
    assert not await world.is_live(session)
    assert world.bus.revoked == [session]
    [event] = [event for event in await world.told() if isinstance(event, UserChanged)]
    assert (event.changed, event.version) == (list(change), 2)


async def test_who_is_disabled_cannot_sign_in_until_enabled(world: World) -> None:
    path = f"/api/admin/users/{(await _mia(world))['id']}"
    credentials = {"email": "mia@example.com", "password": "correct horse"}
    await world.call("PATCH", path, json={"disabled": True})
    await world.call("POST", "/api/auth/login", 401, json=credentials, headers={})
    await world.call("PATCH", path, json={"disabled": False})
    await world.log_in(**credentials)


async def test_a_new_name_ends_no_session_and_none_is_no_news(world: World) -> None:
    mia = await _mia(world)
    _, session = await world.log_in(email="mia@example.com", password="correct horse")
    path = f"/api/admin/users/{mia['id']}"
    assert (await world.call("PATCH", path, json={"name": "Mia L."}))["name"] == "Mia L."
    assert await world.is_live(session)
    told = len(await world.told())
    await world.call("PATCH", path, json={"name": "Mia L.", "role": "user"})
    await world.call("PATCH", path)
    assert len(await world.told()) == told


async def test_changes_are_refused_in_order(world: World) -> None:
    mia = await _mia(world)
    path = f"/api/admin/users/{mia['id']}"
    await world.call("PATCH", path, 401, json={}, headers={})
    await world.call("PATCH", path, 403, json={}, headers=signed("user"))
    for body in ({"role": "root"}, {"name": " "}, {"disabled": "perhaps"}):
        await world.call("PATCH", path, 400, json=body)
    await world.call("PATCH", f"/api/admin/users/{new_id()}", 404, json={"disabled": True})
    await world.call("PATCH", path, 404, json={}, headers=signed(tenant="elsewhere"))


async def test_the_last_administrator_stays_one(world: World) -> None:
    answer, session = await world.log_in()
    path, me = f"/api/admin/users/{answer['user']['id']}", by(answer["user"], session)
    for change in ({"role": "user"}, {"disabled": True}):
        problem = await world.call("PATCH", path, 409, json=change, headers=me)
        assert problem["code"] == "last_administrator"
    await _mia(world, role="admin")
    problem = await world.call("PATCH", path, 409, json={"disabled": True}, headers=me)
    assert problem["code"] == "cannot_disable_yourself"
    await world.call("PATCH", path, json={"role": "user"}, headers=me)


async def test_administrators_who_remove_each_other_at_once_leave_one(world: World) -> None:
    database = world.databases["identity"]
    for round_ in range(5):
        tenant = f"race-{round_}"
        async with database.transaction(Context(tenant)) as tx:
            await store.add_tenant(tx, tenant, tenant)
            created = [
                await commands.create_user(tx, NewUser(f"{name}@{tenant}", name, "admin"))
                for name in "abcd"
            ]

        async def remove(user: Any, tenant: str = tenant) -> str:
            try:
                async with database.transaction(Context(tenant)) as tx:
                    await commands.change_user(tx, user["id"], Changes(role="user"))
                return "removed"
            except LastAdministrator:
                return "kept"

        outcomes = await asyncio.gather(*map(remove, created))
        assert sorted(outcomes) == ["kept", *["removed"] * 3]


async def test_somebody_disabled_while_signing_in_gets_no_session(world: World) -> None:
    hashed = await hash_password("correct horse")
    database = world.databases["identity"]
    async with database.transaction(HERE) as tx:
        mia = await commands.create_user(tx, NewUser("mia@example.com", "Mia", "user", hashed))
    user = await commands.log_in(database, "mia@example.com", "correct horse")
    await world.call("PATCH", f"/api/admin/users/{mia['id']}", json={"disabled": True})
    with pytest.raises(commands.InvalidCredentials):
        async with database.transaction(HERE) as tx:
            await commands.begin_session(tx, user["id"])


async def test_a_key_is_shown_once_and_works_until_deleted(world: World) -> None:
    created = await world.call("POST", KEYS, 201, json={"name": "Import", "role": "admin"})
    secret = created.pop("key")
    assert secret.startswith(created["prefix"])
    assert len(created["prefix"]) < 12
    listed = await world.call("GET", KEYS)
    assert listed["items"] == [created]
    grant = await world.redeem("api-keys", secret)
    assert (grant["actor"], grant["role"]) == (f"key:{created['id']}", "admin")
    stored = await world.databases.as_admin("select * from identity.api_keys")
    assert secret.removeprefix(created["prefix"]) not in repr(stored)

    await world.call("DELETE", f"{KEYS}/{created['id']}", 204)

    assert await world.redeem("api-keys", secret) is None
    assert world.bus.revoked == [UUID(created["id"])]
    assert {type(event) for event in await world.told()} >= {ApiKeyCreated, ApiKeyDeleted}
    await world.call("DELETE", f"{KEYS}/{created['id']}", 404)


async def test_the_use_of_a_key_is_noted_once_a_minute(world: World) -> None:
    created = await world.call("POST", KEYS, 201, json={"name": "Import"})
    used = []
    for seconds in (0, 30, 31):
        world.databases.clock.offset += timedelta(seconds=seconds)
        assert await world.is_live(UUID(created["id"]))
        used.append((await world.call("GET", KEYS))["items"][0]["last_used_at"])
    assert used[0] == used[1] < used[2]


async def test_a_key_ends_when_it_should(world: World) -> None:
    soon = datetime.now(UTC) + timedelta(minutes=5)
    body = {"name": "Import", "expires_at": soon.isoformat()}
    created = await world.call("POST", KEYS, 201, json=body)
    world.databases.clock.offset += timedelta(minutes=6)
    assert await world.redeem("api-keys", created["key"]) is None
    assert not await world.is_live(UUID(created["id"]))
    problem = await world.call("POST", KEYS, 400, json=body)
    assert problem["code"] == "expiry_in_the_past"


async def test_keys_are_for_administrators_of_the_tenant(world: World) -> None:
    created = await world.call("POST", KEYS, 201, json={"name": "Import"})
    one = f"{KEYS}/{created['id']}"
    for method, path in (("GET", KEYS), ("POST", KEYS), ("DELETE", one)):
        await world.call(method, path, 401, headers={})
        await world.call(method, path, 403, headers=signed("user"))
    await world.call("DELETE", one, 404, headers=signed(tenant="elsewhere"))
    elsewhere = await world.call("GET", KEYS, headers=signed(tenant="elsewhere"))
    assert elsewhere["items"] == []
    await world.call("POST", KEYS, 400, json={"name": ""})


async def _ticket(world: World) -> tuple[Any, UUID, str]:
    answer, session = await world.log_in()
    me = by(answer["user"], session)
    given = await world.call("POST", "/api/auth/ws-ticket", 201, headers=me)
    assert given["expires_in"] == 30
    return answer["user"], session, given["ticket"]


async def test_a_ticket_is_good_for_one(world: World) -> None:
    user, session, ticket = await _ticket(world)
    grants = await asyncio.gather(*(world.redeem("tickets", ticket) for _ in range(5)))
    [grant] = [each for each in grants if each]
    assert (grant["credential"], grant["actor"]) == (str(session), f"user:{user['id']}")


async def test_a_ticket_is_good_for_thirty_seconds(world: World) -> None:
    _, _, ticket = await _ticket(world)
    world.databases.clock.offset += timedelta(seconds=30)
    assert await world.redeem("tickets", ticket) is None


async def test_a_ticket_ends_with_its_session(world: World) -> None:
    user, session, ticket = await _ticket(world)
    await world.call("POST", "/api/auth/logout", 204, headers=by(user, session))
    assert await world.redeem("tickets", ticket) is None
    assert await world.redeem("tickets", "made up") is None
