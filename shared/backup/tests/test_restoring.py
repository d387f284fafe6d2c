"""A backup is whole, and goes only where it belongs; what is refused leaves all as it was."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from pydantic import SecretStr

from shared.backup.making import back_up
from shared.backup.manifest import BackupFailed, Manifest
from shared.backup.objects import WITNESS
from shared.backup.restoring import put_back
from shared.backup.tests.test_tables import DEMO
from shared.blobs.local import LocalBlobs
from shared.runtime.settings import RuntimeSettings, SettingsError
from shared.testing.databases import Databases
from shared.testing.fixtures import OpenDatabases

FILM, NOTE = "default/originals/0192", "default/audit/checkpoints/000000000000000017"
FILES = {FILM: b"moving pictures", NOTE: b"signed", "default/audit/checkpoint": b"signed"}


def settings(databases: Databases, data_dir: Path, **changed: object) -> RuntimeSettings:
    """Of an installation with its files in a directory."""
    given = {
        "database_url": SecretStr(databases.dsn),
        "database_admin_url": SecretStr(databases.admin_dsn),
        "secret_key": SecretStr("s" * 32),
        "audit_signing_key": SecretStr("a" * 32),
    }
    return RuntimeSettings(data_dir=data_dir, **(given | changed))  # type: ignore[arg-type]


@pytest.fixture
async def before(databases: OpenDatabases, tmp_path: Path) -> RuntimeSettings:
    """An installation with a row and some files."""
    opened = await databases(DEMO)
    await opened.as_admin("insert into demo.leaves default values")
    blobs = LocalBlobs(tmp_path / "before/blobs")
    await blobs.open()
    for key, content in FILES.items():
        source = tmp_path / "source"
        source.write_bytes(content)
        await blobs.put(key, source, content_type="text/plain")
    return settings(opened, tmp_path / "before")


@pytest.fixture
async def nothing(databases: OpenDatabases) -> Databases:
    """A database with nothing in it."""
    return await databases()


@pytest.fixture
async def backup(before: RuntimeSettings, tmp_path: Path) -> Path:
    """A backup of it."""
    await back_up(before, [DEMO], tmp_path / "backup")
    return tmp_path / "backup"


def files(data_dir: Path) -> dict[str, bytes]:
    """The blobs that are there."""
    root = data_dir / "blobs"
    found = (path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in found}


async def test_rows_and_files_are_back(nothing: Databases, backup: Path, tmp_path: Path) -> None:
    after = settings(nothing, tmp_path / "after")
    done = await put_back(after, [DEMO], backup)
    assert (done.database.rows, done.objects.count) == (1, 3)
    assert files(after.data_dir) == FILES
    assert len(await nothing.as_admin("select from demo.leaves")) == 1
    assert (backup.stat().st_mode & 0o777) == 0o700


async def test_the_database_alone(nothing: Databases, backup: Path, tmp_path: Path) -> None:
    after = settings(nothing, tmp_path / "after")
    await put_back(after, [DEMO], backup, database_only=True)
    assert files(after.data_dir) == {}
    assert len(await nothing.as_admin("select from demo.leaves")) == 1


async def test_what_was_begun_is_gone_on_with(
    before: RuntimeSettings, nothing: Databases, tmp_path: Path
) -> None:
    target = tmp_path / "backup"
    (target / "objects/default/originals").mkdir(parents=True)
    (target / "objects" / FILM).write_bytes(b"MOVING PICTURES")  # as large: taken as it is
    (target / "objects/default/originals/0191").write_bytes(b"nobody's any more")
    (target / "objects/default/audit/checkpoints").mkdir(parents=True)
    (target / "objects" / NOTE).write_bytes(b"SIGNED")  # these change, and are taken anew

    await back_up(before, [DEMO], target)
    after = settings(nothing, tmp_path / "after")
    (after.data_dir / "blobs" / NOTE).parent.mkdir(parents=True)
    (after.data_dir / "blobs" / NOTE).write_bytes(b"SIGNED")
    await put_back(after, [DEMO], target)

    assert files(after.data_dir) == FILES | {FILM: b"MOVING PICTURES"}


@pytest.mark.parametrize("file", ["database/demo.leaves.gz", "objects.jsonl", f"objects/{FILM}"])
@pytest.mark.parametrize("how", ["changed", "gone"])
async def test_what_is_damaged_is_refused(
    nothing: Databases, backup: Path, tmp_path: Path, file: str, how: str
) -> None:
    path = backup / file
    content = path.read_bytes()
    path.unlink()
    if how == "changed":
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    await _refused(nothing, backup, tmp_path, f"the backup is damaged.*{path}")


async def test_what_was_not_finished_is_refused(
    nothing: Databases, backup: Path, tmp_path: Path
) -> None:
    (backup / "manifest.json").unlink()
    await _refused(nothing, backup, tmp_path, "no backup, or not a finished one")


async def test_a_trail_that_could_not_be_gone_on_with_is_refused(
    nothing: Databases, backup: Path, tmp_path: Path
) -> None:
    other = settings(nothing, tmp_path / "after", audit_signing_key=SecretStr("x" * 32))
    with pytest.raises(SettingsError, match="MARQUEE_AUDIT_SIGNING_KEY: takes the key"):
        await put_back(other, [DEMO], backup)
    assert files(tmp_path / "after") == {}


async def test_a_secret_key_that_was_lost_may_be_another(
    nothing: Databases, backup: Path, tmp_path: Path
) -> None:
    other = settings(nothing, tmp_path / "after", secret_key=SecretStr("x" * 32))
    await put_back(other, [DEMO], backup)


async def test_keys_are_not_made_up(backup: Path, tmp_path: Path) -> None:
    alone = RuntimeSettings(data_dir=tmp_path / "after")
    with pytest.raises(SettingsError, match=r"MARQUEE_SECRET_KEY: required, or as the file"):
        await put_back(alone, [DEMO], backup)
    assert not (tmp_path / "after").exists()


async def test_a_store_with_other_files_is_refused(
    nothing: Databases, backup: Path, tmp_path: Path
) -> None:
    mine = tmp_path / "after/blobs/default/originals/0193"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"mine")
    with pytest.raises(BackupFailed, match="not empty: it has default/originals/0193"):
        await put_back(settings(nothing, tmp_path / "after"), [DEMO], backup)
    assert files(tmp_path / "after") == {"default/originals/0193": b"mine"}


async def test_a_database_with_rows_is_refused(
    before: RuntimeSettings, backup: Path, tmp_path: Path
) -> None:
    elsewhere = before.model_copy(update={"data_dir": tmp_path / "after"})
    with pytest.raises(BackupFailed, match="empty database only"):
        await put_back(elsewhere, [DEMO], backup)
    assert files(tmp_path / "after") == {}


async def test_a_backup_is_never_written_over(before: RuntimeSettings, backup: Path) -> None:
    manifest = Manifest.read(backup)
    with pytest.raises(BackupFailed, match="holds a backup already"):
        await back_up(before, [DEMO], backup)
    assert Manifest.read(backup) == manifest


async def test_witnesses_are_copied_before_the_rows_and_files_after(
    before: RuntimeSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The trail would not hold if a checkpoint covered entries that were not saved."""
    blobs = LocalBlobs(before.data_dir / "blobs")
    fetched: list[str] = []
    fetch, database = LocalBlobs.fetch, tmp_path / "backup/database/demo.leaves.gz"

    async def noted(self: LocalBlobs, key: str, target: Path) -> object:
        assert database.exists() is not bool(WITNESS.fullmatch(key)), key
        fetched.append(key)
        if key == NOTE:  # signed in the meantime
            source = tmp_path / "source"
            await asyncio.to_thread(source.write_bytes, b"newer")
            await blobs.put(NOTE.replace("17", "18"), source, content_type="text/plain")
        return await fetch(self, key, target)

    await blobs.open()
    monkeypatch.setattr(LocalBlobs, "fetch", noted)
    done = await back_up(before, [DEMO], tmp_path / "backup")

    assert sorted(fetched) == sorted(FILES)
    assert done.objects.count == len(FILES)


async def _refused(nothing: Databases, backup: Path, tmp_path: Path, why: str) -> None:
    """Nothing is touched."""
    with pytest.raises(BackupFailed, match=why):
        await put_back(settings(nothing, tmp_path / "after"), [DEMO], backup)
    assert files(tmp_path / "after") == {}
    assert not await nothing.as_admin("select from pg_namespace where nspname = 'demo'")
