"""Makes a backup of what the settings name."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from shared.backup import objects, tables
from shared.backup.manifest import (
    BackupFailed,
    Manifest,
    Object,
    Objects,
    is_finished,
    public_audit_key,
)
from shared.db.migrate import Schema
from shared.runtime.keys import load_keys
from shared.runtime.parts import admin_server, blob_store
from shared.runtime.settings import RuntimeSettings
from shared.runtime.version import product_version

OBJECTS_STAY = timedelta(days=1)
"""How long a blob is kept that no row refers to any more."""

log = structlog.get_logger()


async def back_up(
    settings: RuntimeSettings, schemas: Sequence[Schema], directory: Path
) -> Manifest:
    """Write a backup into a directory, which may hold the beginning of one.

    Raises BackupFailed, SettingsError, or what a database or a store that is away raises.
    """
    if is_finished(directory):
        raise BackupFailed(f"{directory} holds a backup already: name another directory")
    keys = load_keys(settings)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = directory / "objects"
    async with AsyncExitStack() as stack:
        dsn = await admin_server(settings, stack)
        blobs = await blob_store(settings, stack)
        found = await objects.save(blobs, folder, witnesses=True)
        database = await tables.dump(dsn, schemas, directory / "database")
        if not database.tables:
            raise BackupFailed("there is nothing to back up: the database has none of our schemas")
        log.info("database_saved", tables=len(database.tables), rows=database.rows)
        found += await objects.save(blobs, folder, witnesses=False)
        log.info("objects_saved", count=len(found))
    if datetime.now(UTC) - database.taken_at > OBJECTS_STAY:
        raise BackupFailed(
            "it took more than a day, and blobs may be missing that the database speaks of: "
            "back up again into the same directory, where what was copied need not be copied again"
        )
    objects.forget_others(folder, {each.key for each in found})
    manifest = Manifest(
        product=product_version(),
        audit_key=public_audit_key(keys),
        database=database,
        objects=_list(directory, found),
    )
    manifest.write(directory)
    return manifest


def _list(directory: Path, found: Sequence[Object]) -> Objects:
    lines = "".join(f"{each.model_dump_json()}\n" for each in sorted(found, key=lambda o: o.key))
    (directory / "objects.jsonl").write_text(lines)
    digest = hashlib.sha256(lines.encode()).hexdigest()
    return Objects(count=len(found), size=sum(each.size for each in found), sha256=digest)
