"""Whatever the notary notes outside of the database, a backup copies before the rows."""

from __future__ import annotations

from pathlib import Path

from services.audit.copies import Copies
from shared.backup.objects import WITNESS
from shared.blobs.local import LocalBlobs
from shared.runtime.ids import new_id


async def test_all_that_is_noted_bears_witness(tmp_path: Path) -> None:
    blobs = LocalBlobs(tmp_path / "blobs")
    await blobs.open()
    copies = Copies(blobs, tmp_path / "work")
    for size in (1, 2):
        await copies.keep("default", size, f"note of {size}")
    await copies.set_aside("default", new_id(), "stated", [2])

    keys = [blob.key async for blob in blobs.list("")]

    assert len(keys) == 4
    assert [key for key in keys if not WITNESS.fullmatch(key)] == []
