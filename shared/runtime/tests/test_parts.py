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
from shared.runtime.settings import SERVICE_PORTS, RuntimeSettings, SettingsError
from shared.testing.fixtures import OpenDatabases


def _module(name: str) -> Module:
    return Module(name, build=lambda _: Service(name))


EVERYTHING = [_module(name) for name in ("gateway", *SERVICE_PORTS) if name != "converter-worker"]


@pytest.mark.parametrize("names", ["gateway", "audit", "gateway identity converter-worker"])
async def test_a_part_of_the_services_needs_a_broker(tmp_path: Path, names: str) -> None:
    some = [_module(name) for name in names.split()]
    with pytest.raises(SettingsError, match=r"MARQUEE_AMQP_URL: .*without .*notifier") as raised:
        async with assembled(
            RuntimeSettings(data_dir=tmp_path), some, peers={}, clock=Clock(), new_id=new_id
        ):
            pass
    assert "converter-worker" not in str(raised.value)
    assert not list(tmp_path.iterdir()), "nothing was begun"


async def test_a_database_that_does_not_answer(tmp_path: Path) -> None:
    key = SecretStr("k" * 32)
    settings = RuntimeSettings(
        data_dir=tmp_path,
        database_url=SecretStr("postgresql://nobody:hunter2@127.0.0.1:1/none"),
        amqp_url=None,
        secret_key=key,
        audit_signing_key=key,
    )
    with pytest.raises(SettingsError, match="MARQUEE_DATABASE_URL: ") as raised:
        async with assembled(settings, EVERYTHING, peers={}, clock=Clock(), new_id=new_id):
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
    start = partial(assembled, settings, EVERYTHING, peers={}, clock=Clock(), new_id=new_id)

    async with start():
        with pytest.raises(SettingsError, match="MARQUEE_AMQP_URL: required when several"):
            async with start():
                pass
    async with start():
        pass
