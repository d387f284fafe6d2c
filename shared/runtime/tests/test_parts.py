"""A part that cannot be had at the start is named."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from pydantic import SecretStr

from shared.db.database import Clock
from shared.runtime.ids import new_id
from shared.runtime.parts import Module, assembled
from shared.runtime.service import Service
from shared.runtime.settings import RuntimeSettings, SettingsError
from shared.testing.fixtures import OpenDatabases


async def test_a_database_that_does_not_answer(tmp_path: Path) -> None:
    key = SecretStr("k" * 32)
    settings = RuntimeSettings(
        data_dir=tmp_path,
        database_url=SecretStr("postgresql://nobody:hunter2@127.0.0.1:1/none"),
        amqp_url=None,
        secret_key=key,
        audit_signing_key=key,
    )
    gateway = Module("gateway", build=lambda _: Service("gateway"))
    with pytest.raises(SettingsError, match="MARQUEE_DATABASE_URL: ") as raised:
        async with assembled(settings, [gateway], peers={}, clock=Clock(), new_id=new_id):
            pass
    assert "hunter2" not in str(raised.value)


async def test_a_second_process_on_the_same_database_needs_a_broker(
    tmp_path: Path, databases: OpenDatabases
) -> None:
    opened = await databases()
    key = SecretStr("k" * 32)
    settings = RuntimeSettings(
        data_dir=tmp_path,
        database_url=SecretStr(opened.dsn),
        database_admin_url=SecretStr(opened.admin_dsn),
        secret_key=key,
        audit_signing_key=key,
    )
    gateway = Module("gateway", build=lambda _: Service("gateway"))
    start = partial(assembled, settings, [gateway], peers={}, clock=Clock(), new_id=new_id)

    async with start():
        with pytest.raises(SettingsError, match="MARQUEE_AMQP_URL: required when several"):
            async with start():
                pass
    async with start():
        pass
