"""What a process does when a part is not there at the start, or is somebody else's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path

import asyncpg
import pytest
from pydantic import SecretStr

from shared.db.database import Clock
from shared.db.embedded import LOGIN
from shared.db.migrate import migrate
from shared.runtime import waiting
from shared.runtime.ids import new_id
from shared.runtime.parts import BUS_SCHEMA, Module, assembled
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
