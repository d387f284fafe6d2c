"""Puts a backup back, where nothing is yet."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import structlog

from shared.backup import objects, tables
from shared.backup.manifest import Manifest, listed, public_audit_key
from shared.db.migrate import Schema
from shared.runtime.keys import load_keys
from shared.runtime.parts import admin_server, blob_store
from shared.runtime.settings import RuntimeSettings, SettingsError

log = structlog.get_logger()


async def put_back(
    settings: RuntimeSettings,
    schemas: Sequence[Schema],
    directory: Path,
    *,
    database_only: bool = False,
) -> Manifest:
    """Fill an empty database and an empty store; or the database alone, where the store is left.

    Cut short, it may be run again. Raises BackupFailed, SettingsError, SchemaTooNew, or what a
    database or a store that is away raises; then the database is as empty as before.
    """
    manifest = Manifest.read(directory)
    if public_audit_key(load_keys(settings, generate=False)) != manifest.audit_key:
        raise SettingsError(
            "MARQUEE_AUDIT_SIGNING_KEY: takes the key that the backup's trail is signed with"
        )
    await _check_tables(manifest, directory / "database")
    async with AsyncExitStack() as stack:
        dsn = await admin_server(settings, stack, shared=False)
        await tables.require_empty(dsn, [schema.name for schema in schemas])
        if not database_only:
            await _restore_objects(settings, directory, manifest, stack)
        await tables.load(
            dsn,
            {schema.name: schema for schema in schemas},
            manifest.database,
            directory / "database",
        )
    log.info("database_restored", rows=manifest.database.rows)
    return manifest


async def _restore_objects(
    settings: RuntimeSettings, directory: Path, manifest: Manifest, stack: AsyncExitStack
) -> None:
    await objects.require_same(directory / "objects.jsonl", manifest.objects.sha256)
    wanted, folder = list(listed(directory)), directory / "objects"
    await objects.check(folder, wanted)
    blobs = await blob_store(settings, stack)
    await objects.require_none_but(blobs, {each.key for each in wanted})
    await objects.put_back(blobs, folder, wanted)
    log.info("objects_restored", count=len(wanted))


async def _check_tables(manifest: Manifest, folder: Path) -> None:
    for table in manifest.database.tables:
        await objects.require_same(folder / table.file, table.sha256)
