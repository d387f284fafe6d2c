"""Secrets stay where they belong: none in logs, metrics, problems, events, trail or database.

Every secret of a whole product is a word that is found nowhere else, the product tells all it can
(``debug``), and goes a long way, wrong turns and outages included. Then all it has said is read.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit, urlunsplit
from uuid import uuid4

import aio_pika
import aiohttp
import asyncpg
import pytest

from harness.client import Client
from harness.fleet import Parts, fresh_parts
from harness.launch import ROOT, launched
from harness.product import ADMINISTRATOR, EMAIL
from harness.waiting import eventually
from shared.contracts.topology import EXCHANGE
from shared.testing.brokers import Broker
from shared.testing.databases import PostgresServer

pytestmark = pytest.mark.xdist_group("fleet")


MEANT = {"events": {"media-signature"}}
"""Who may ask for events is told at once where a rendition can be fetched."""


def canary(what: str) -> str:
    """A secret like no other."""
    return f"canary-{what}-{uuid4().hex}"


@dataclass
class Secrets:
    """What nobody may learn, by what it is."""

    known: dict[str, str] = field(default_factory=dict)

    def new(self, what: str) -> str:
        """Make one up."""
        return self.note(what, canary(what))

    def note(self, what: str, secret: str) -> str:
        """Remember one that the product made up."""
        self.known[what] = secret
        return secret

    def found_in(self, said: str) -> set[str]:
        """Which of them are in a text, as they are or as an address would have them."""
        return {
            what
            for what, secret in self.known.items()
            if secret in said or quote(secret, safe="") in said
        }


@dataclass
class Journey:
    """A product under way, its secrets, and all that clients were told besides good answers."""

    client: Client
    secrets: Secrets
    log: Path
    amqp_url: str
    admin_dsn: str
    problems: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)

    async def refused(self, method: str, path: str, status: int, **how: Any) -> None:
        """Send what is refused, and keep what was said about it."""
        headers = {**self.client.headers(), **how.pop("headers", {})}
        async with self.client.session.request(
            method, self.client.url + path, headers=headers, **how
        ) as answer:
            told = f"{dict(answer.headers)} {await answer.text()}"
            assert answer.status == status, told
            self.problems.append(told)


def _with_login(dsn: str, login: str, password: str) -> str:
    parts = urlsplit(dsn)
    return urlunsplit(
        parts._replace(netloc=f"{login}:{password}@{parts.netloc.rpartition('@')[2]}")
    )


@pytest.fixture(scope="module")
async def parts(postgres: PostgresServer, broker: Broker) -> AsyncIterator[Parts]:
    async with fresh_parts(postgres, broker) as parts:
        yield parts


@asynccontextmanager
async def _under_way(
    parts: Parts, directory: Path, http: aiohttp.ClientSession
) -> AsyncIterator[Journey]:
    secrets = Secrets()
    login = f"login_{uuid4().hex}"
    password = secrets.new("database-password")
    secrets.note("store-secret", parts.s3_secret_key)
    environment = (
        parts.environment()
        | ADMINISTRATOR
        | {
            "MARQUEE_DATABASE_URL": _with_login(parts.database_url, login, password),
            "MARQUEE_ADMIN_PASSWORD": secrets.new("admin-password"),
            "MARQUEE_SECRET_KEY": secrets.new("secret-key"),
            "MARQUEE_OLD_SECRET_KEYS": secrets.new("old-secret-key"),
            "MARQUEE_AUDIT_SIGNING_KEY": secrets.new("audit-signing-key"),
            "MARQUEE_LOG_LEVEL": "debug",
            "MARQUEE_LOG_FORMAT": "json",
            "MARQUEE_PORT": "0",
            "MARQUEE_DATA_DIR": str(directory / "data"),
        }
    )
    log = directory / "log"
    await _until_told("never", environment, log, "migrate")  # makes the login
    async with launched(log=log, environment=environment) as process:
        client = Client(process.url, http)
        yield Journey(client, secrets, log, parts.amqp_url, parts.database_admin_url)


async def test_a_long_journey_tells_no_secrets(
    parts: Parts, tmp_path: Path, http: aiohttp.ClientSession, clip: Path
) -> None:
    async with _under_way(parts, tmp_path, http) as journey, _overheard(journey):
        await _sign_in(journey)
        await _make_keys(journey)
        await _take_wrong_turns(journey)
        await _watch_a_film(journey, clip)
        await _lose_the_database(journey)
        said = {
            "metrics": await _text(journey, "/metrics"),
            "problems": "\n".join(journey.problems),
            "events": str(await journey.client.get("/api/admin/events", since=0, limit=500)),
            "trail": await _text(journey, "/api/admin/audit/export?format=jsonl"),
            "system": await _text(journey, "/api/admin/system"),
            "messages": "\n".join(journey.messages),
            "database": await _everything(journey.admin_dsn),
        }
    said["log"] = journey.log.read_text(errors="replace")
    assert len(journey.secrets.known) >= 15
    for where, words in {"log": "http_request", "messages": "api_key.created"}.items():
        assert words in said[where], "nothing was said where secrets are looked for"
    for where, text in said.items():
        assert journey.secrets.found_in(text) - MEANT.get(where, set()) == set(), where


async def _text(journey: Journey, path: str) -> str:
    client = journey.client
    async with client.session.get(client.url + path, headers=client.headers()) as answer:
        assert answer.status == 200
        return await answer.text()


@asynccontextmanager
async def _overheard(journey: Journey) -> AsyncIterator[None]:
    """Keep every message of the exchange, headers included."""
    connection = await aio_pika.connect(journey.amqp_url)
    async with connection, connection.channel() as channel:
        queue = await channel.declare_queue(exclusive=True)
        await queue.bind(EXCHANGE, "#")

        async def keep(message: aio_pika.abc.AbstractIncomingMessage) -> None:
            journey.messages.append(
                f"{message.routing_key} {message.headers} {message.body.decode()}"
            )

        await queue.consume(keep, no_ack=True)
        yield


async def _sign_in(journey: Journey) -> None:
    client, secrets = journey.client, journey.secrets
    for wrong in (EMAIL, "nobody@example.com"):
        body = {"email": wrong, "password": secrets.new(f"wrong-password-{len(wrong)}")}
        await journey.refused("POST", "/api/auth/login", 401, json=body)
    answer = await client.log_in(EMAIL, secrets.known["admin-password"])
    secrets.note("access-token", answer["access_token"].rpartition(".")[2])
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as browser:
        credentials = {"email": EMAIL, "password": secrets.known["admin-password"]}
        async with browser.post(client.url + "/api/auth/login", json=credentials) as login:
            secrets.note("cookie", (await login.json())["access_token"].rpartition(".")[2])
        async with browser.get(client.url + "/api/auth/session") as session:
            secrets.note("csrf-token", (await session.json())["csrf_token"])
        forged = {"X-CSRF-Token": secrets.new("forged-csrf-token")}
        async with browser.post(client.url + "/api/auth/logout", headers=forged) as refused:
            assert refused.status == 403
            journey.problems.append(await refused.text())


async def _make_keys(journey: Journey) -> None:
    client, secrets = journey.client, journey.secrets
    headers = {"Idempotency-Key": secrets.new("idempotency-key")}
    for _ in range(2):  # the answer is kept, for who asks again
        key = await client.call(
            "POST", "/api/admin/api-keys", expect=201, json={"name": "Robot"}, headers=headers
        )
    secrets.note("api-key", key["key"])
    robot = Client(client.url, client.session, key["key"])
    await robot.get("/api/auth/session")
    ticket = (await client.post("/api/auth/ws-ticket", expect=201))["ticket"]
    secrets.note("ticket", ticket)
    async with client.session.ws_connect(f"{client.url}/ws?ticket={ticket}") as socket:
        assert (await socket.receive_json(timeout=10))["type"] == "hello"
    await journey.refused("GET", f"/ws?ticket={ticket}", 401, headers={"Authorization": ""})
    body = {"email": f"{uuid4().hex}@example.com", "name": "Mia", "password": secrets.new("mia")}
    await client.post("/api/admin/users", body, expect=201)
    await journey.refused("POST", "/api/admin/users", 409, json=body)


async def _take_wrong_turns(journey: Journey) -> None:
    secrets = journey.secrets
    new = secrets.new("password-in-a-bad-body")
    await journey.refused("POST", "/api/admin/users", 400, json={"email": 7, "password": new})
    await journey.refused("POST", "/api/admin/users", 400, json={"password": [new], new: new})
    spoiled = f'{{"email": "mia@example.com", "password": "{new}"'
    json = {"Content-Type": "application/json"}
    await journey.refused("POST", "/api/auth/login", 400, data=spoiled, headers=json)
    await journey.refused("POST", "/api/auth/login", 400, data=f"password={new}", headers=json)
    for scheme in ("Bearer", "Basic", "Bearer mq_"):
        token = secrets.new(f"token-{scheme.replace(' ', '-')}")
        wrong = {"Authorization": f"{scheme} {token}"}
        await journey.refused("GET", "/api/admin/users", 401, headers=wrong)
    query = secrets.new("token-in-a-query")
    await journey.refused("GET", f"/api/admin/users?limit=0&token={query}", 400)
    await journey.refused("GET", f"/api/nothing?token={query}", 404)
    unreadable = secrets.new("token-in-no-http")
    reader, writer = await asyncio.open_connection(
        urlsplit(journey.client.url).hostname, urlsplit(journey.client.url).port
    )
    writer.write(f"GET / HTTP/1.1\r\nAuthorization {unreadable}\r\n\r\n".encode())
    journey.problems.append((await asyncio.wait_for(reader.read(), 10)).decode())
    writer.close()


async def _watch_a_film(journey: Journey, clip: Path) -> None:
    client, secrets = journey.client, journey.secrets
    asset = await client.upload(clip)
    completed = await client.completed(asset["id"])
    url = completed["thumbnail_url"]
    secrets.note("media-signature", parse_qs(urlsplit(url).query)["signature"][0])
    async with client.session.get(client.url + url, allow_redirects=False) as answer:
        if "Location" in answer.headers:  # signed by the store, for a moment
            query = parse_qs(urlsplit(answer.headers["Location"]).query)
            [signature] = [value[0] for name, value in query.items() if "Signature" in name]
            secrets.note("store-signature", signature)
    await journey.refused("GET", url.replace("expires=", "expires=1"), 403)


async def _lose_the_database(journey: Journey) -> None:
    """Every session at once, and for a moment."""
    connection = await asyncpg.connect(journey.admin_dsn)
    await connection.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid()"
    )
    await connection.close()

    async def back() -> None:
        await journey.client.get("/api/admin/audit/verify")

    await eventually(back, within=30)


async def _everything(admin_dsn: str) -> str:
    """Every row of every table, as text and as bytes."""
    connection = await asyncpg.connect(admin_dsn)
    tables = await connection.fetch(
        "select table_schema || '.' || table_name as name from information_schema.tables"
        " where table_schema not in ('pg_catalog', 'information_schema')"
    )
    rows = [
        str(row["told"])
        for table in tables
        for row in await connection.fetch(f"select t::text as told from {table['name']} t")
    ]
    await connection.close()
    assert len(rows) > 50
    plain = "\n".join(rows)
    return plain + "\n".join(
        bytes.fromhex(found).decode(errors="replace") for found in re.findall(r"\\\\x(\w+)", plain)
    )


Settings = Callable[[Parts, str], dict[str, str]]

BROKEN: dict[str, tuple[str, Settings]] = {
    "database away": (
        "part_awaited",
        lambda _, secret: {
            "MARQUEE_DATABASE_URL": f"postgresql://me:{secret}@127.0.0.1:9/x",
            "MARQUEE_DATABASE_ADMIN_URL": "",
        },
    ),
    "database refuses": (
        "part_awaited",
        lambda parts, secret: {
            "MARQUEE_DATABASE_ADMIN_URL": _with_login(parts.database_admin_url, "me", secret)
        },
    ),
    "broker away": (
        "bus_away",
        lambda _, secret: {"MARQUEE_AMQP_URL": f"amqp://me:{secret}@127.0.0.1:9/x"},
    ),
    "broker refuses": (
        "bus_away",
        lambda parts, secret: {"MARQUEE_AMQP_URL": _with_login(parts.amqp_url, "me", secret)},
    ),
}
"""What is wrong: what the log says of it, and the settings by which it comes about."""


@pytest.mark.parametrize("how", BROKEN)
async def test_what_cannot_be_used_is_told_without_its_secret(
    parts: Parts, tmp_path: Path, how: str
) -> None:
    told, settings = BROKEN[how]
    secret = canary("secret")
    environment = parts.environment() | {
        "MARQUEE_SECRET_KEY": canary("secret-key"),
        "MARQUEE_AUDIT_SIGNING_KEY": canary("signing-key"),
        "MARQUEE_LOG_LEVEL": "debug",
        "MARQUEE_PORT": "0",
        "MARQUEE_DATA_DIR": str(tmp_path),
    }
    said = await _until_told(told, environment | settings(parts, secret), tmp_path / "log")
    assert told in said
    assert secret not in said
    assert secret[:12] not in said


async def _until_told(words: str, environment: dict[str, str], log: Path, *verb: str) -> str:
    """What the product logs until it says these words, or ends."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("MARQUEE_")}
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "services", *verb),
            cwd=ROOT,
            env=kept | environment,
            stdout=output,
            stderr=output,
        )
    try:
        async with asyncio.timeout(60):
            while process.returncode is None and words not in log.read_text(errors="replace"):
                await asyncio.sleep(0.1)
    finally:
        if process.returncode is None:
            process.terminate()
            await asyncio.wait_for(process.wait(), 30)
    return log.read_text(errors="replace")
