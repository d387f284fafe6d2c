"""What a process does when a part is not there at the start, or is somebody else's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
from pydantic import SecretStr

from shared.db.database import Clock
from shared.db.embedded import LOGIN
from shared.db.migrate import migrate
from shared.runtime import waiting
from shared.runtime.ids import new_id
from shared.runtime.parts import BUS_SCHEMA, Module, assembled, migrate_all
from shared.runtime.service import Runtime, Service
from shared.runtime.settings import SERVICE_PORTS, RuntimeSettings, SettingsError
from shared.runtime.waiting import WaitingRoom
from shared.testing.databases import Databases
from shared.testing.fixtures import OpenDatabases

Start = Callable[[], AbstractAsyncContextManager[Runtime]]


def _module(name: str) -> Module:
    return Module(name, build=lambda _: Service(name))


EVERYTHING = [_module(name) for name in ("gateway", *SERVICE_PORTS) if name != "converter-worker"]


def starting(directory: Path, databases: Databases, *, migrates: bool) -> Start:
    """Assembles a process of its own each time."""
    key = SecretStr("k" * 32)
    settings = RuntimeSettings(
        data_dir=directory,
        database_url=SecretStr(databases.dsn),
        database_admin_url=SecretStr(databases.admin_dsn) if migrates else None,
        secret_key=key,
        audit_signing_key=key,
    )
    return partial(
        assembled,
        settings,
        EVERYTHING,
        peers={},
        clock=Clock(),
        new_id=new_id,
        waiting=WaitingRoom([]),
    )


@pytest.mark.parametrize("names", ["gateway", "audit", "gateway identity converter-worker"])
async def test_a_part_of_the_services_needs_a_broker(tmp_path: Path, names: str) -> None:
    some = [_module(name) for name in names.split()]
    with pytest.raises(SettingsError, match=r"MARQUEE_AMQP_URL: .*without .*notifier") as raised:
        async with assembled(
            RuntimeSettings(data_dir=tmp_path),
            some,
            peers={},
            clock=Clock(),
            new_id=new_id,
            waiting=WaitingRoom([]),
        ):
            pass
    assert "converter-worker" not in str(raised.value)
    assert not list(tmp_path.iterdir()), "nothing was begun"


async def test_a_second_process_on_the_same_database_needs_a_broker(
    tmp_path: Path, databases: OpenDatabases
) -> None:
    start = starting(tmp_path, await databases(), migrates=True)

    async with start():
        with pytest.raises(SettingsError, match="MARQUEE_AMQP_URL: required when several"):
            async with start():
                pass
    async with start():
        pass


def _elsewhere(dsn: str, *, login: str | None = None, database: str | None = None) -> SecretStr:
    """The same address with another login, or another database."""
    parts = urlsplit(dsn)
    if login:
        parts = parts._replace(netloc=f"{login}@{parts.netloc.rpartition('@')[2]}")
    return SecretStr(urlunsplit(parts._replace(path=f"/{database}") if database else parts))


NOWHERE = "postgresql://postgres@127.0.0.1:9/marquee"

REFUSED: dict[str, tuple[Callable[[Databases], dict[str, SecretStr]], str]] = {
    "an admin that the server does not know": (
        lambda d: {"database_admin_url": _elsewhere(d.admin_dsn, login="nobody")},
        'MARQUEE_DATABASE_ADMIN_URL: .*"nobody"',
    ),
    "a database that it has not": (
        lambda d: {"database_admin_url": _elsewhere(d.admin_dsn, database="nowhere")},
        'MARQUEE_DATABASE_ADMIN_URL: .*"nowhere"',
    ),
    "no server": (
        lambda _: {"database_admin_url": SecretStr(NOWHERE)},
        "MARQUEE_DATABASE_ADMIN_URL: .*127.0.0.1",
    ),
    "a login that it does not know, and cannot make without a password": (
        lambda d: {"database_url": _elsewhere(d.dsn, login="nobody")},
        "MARQUEE_DATABASE_URL: .*nobody.*password",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
async def test_who_migrates_is_told_which_setting_the_server_refuses(
    tmp_path: Path, databases: OpenDatabases, what: str
) -> None:
    opened = await databases()
    change, told = REFUSED[what]
    given = {
        "database_url": SecretStr(opened.dsn),
        "database_admin_url": SecretStr(opened.admin_dsn),
    } | change(opened)
    settings = RuntimeSettings(data_dir=tmp_path, **given)  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match=told):
        await migrate_all(settings, [Module("bus", EVERYTHING[0].build, BUS_SCHEMA)])


async def test_who_may_not_migrate_waits_for_who_may(
    tmp_path: Path, databases: OpenDatabases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "FIRST_PAUSE", 0.05)
    opened = await databases()

    async def up() -> bool:
        async with starting(tmp_path, opened, migrates=False)():
            return True

    waits = asyncio.create_task(up())
    await asyncio.wait([waits], timeout=0.5)
    assert not waits.done()

    await migrate(opened.admin_dsn, [BUS_SCHEMA], login=LOGIN)
    assert await asyncio.wait_for(waits, 30)


async def test_a_database_that_appears_later_is_waited_for(
    tmp_path: Path, databases: OpenDatabases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "FIRST_PAUSE", 0.05)
    opened = await databases()
    refusals = [ConnectionRefusedError("nobody"), asyncpg.CannotConnectNowError("starting up")]

    async def sometimes(*arguments: object, **named: object) -> None:
        if refusals:
            raise refusals.pop()
        await migrate(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr("shared.runtime.parts.migrate", sometimes)
    async with starting(tmp_path, opened, migrates=True)():
        assert not refusals
