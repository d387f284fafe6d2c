"""The trail as a file: JSON lines that can be verified without us, or CSV for spreadsheets.

JSON lines (media type ``application/jsonl``): one entry a line, every column of it, with
``prev_hash`` and ``hash`` in hexadecimal as documented in ``domain.chain``; and one last line
``{"checkpoint": "..."}``, the signed note over all entries up to then. All entries in their order
are a chain whose end is signed. A selection of them is no chain: then each line has a ``proof``,
the hashes that lead from its leaf to the signed root (RFC 6962, section 2.1.1).

What is archived comes out of its files, and it makes no difference, unless it is left out: then
the last line says besides which checkpoint the entries ``follow``, the one that the newest archive
ends with.

Entries never change, so pages are read in transactions of their own: a reader who takes an hour
holds nothing but his place.
"""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from services.audit import archives, ledger
from services.audit.domain.archive import Archive
from services.audit.domain.chain import Link
from services.audit.domain.checkpoint import Checkpoint
from services.audit.domain.merkle import BLOCK, Tree, leaf_hash
from services.audit.queries import Search
from services.audit.shelf import Row, Shelf
from services.audit.tables import assignment_history
from shared.contracts.context import Context
from shared.db import Database, Tx

_PAGE = 250
_COLUMNS = sorted(map(str, assignment_history.columns.keys()), key=lambda name: name != "seq")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Export:
    """What of the trail up to a checkpoint is exported, as whom; ``after`` is left out before."""

    database: Database
    shelf: Shelf
    context: Context
    search: Search
    checkpoint: Checkpoint
    after: Archive | None = None

    async def jsonl(self, note: str) -> AsyncIterator[bytes]:
        """Lines of JSON, a page at a time; ``note`` is the checkpoint as it was signed."""
        tree = None
        if self.search.given():
            async with self.database.transaction(self.context) as tx:
                tree = await ledger.tree(tx, self.checkpoint.size)
        async for page in self._pages(tree):
            yield b"".join(map(line_of, page))
        follows = {"follows": self.after.checkpoint} if self.after and not tree else {}
        yield line_of({"checkpoint": note, **follows})

    async def csv(self) -> AsyncIterator[bytes]:
        """Rows of CSV (RFC 4180), a page at a time; the first names the columns."""
        names = (*_COLUMNS, "prev_hash", "hash")
        yield _rows([names])
        async for page in self._pages(None):
            yield _rows([[_cell(entry.get(name)) for name in names] for entry in page])

    async def _pages(self, tree: Tree | None) -> AsyncIterator[list[Row]]:
        after, more = self.after.last if self.after else 0, True
        while more:
            # Entries may be archived between two pages, but not while one is read.
            async with self.database.snapshot(self.context) as tx:
                archive = await archives.covering(tx, after + 1)
                if archive is None:
                    page = await self._page(tx, tree, after)
            if archive:
                async for block in self._archived(archive, tree, after):
                    yield block
                after = archive.last
                continue
            if page:
                yield page
            more = len(page) == _PAGE
            after = page[-1]["seq"] if page else after

    async def _page(self, tx: Tx, tree: Tree | None, after: int) -> list[Row]:
        links = await ledger.found(tx, self.search, after, self.checkpoint.size, _PAGE)
        page = [row_of(link) for link in links]
        if tree:
            await _prove(tx, tree, page)
        return page

    async def _archived(
        self, archive: Archive, tree: Tree | None, after: int
    ) -> AsyncIterator[list[Row]]:
        async for block in self.shelf.blocks(archive, after):
            page = [row for row in block if row["seq"] > after and self.search.matches(row)]
            if tree and page:
                leaves = [leaf_hash(bytes.fromhex(row["hash"])) for row in block]
                for row in page:
                    row["proof"] = [each.hex() for each in tree.inclusion(row["seq"] - 1, leaves)]
            if page:
                yield page


async def _prove(tx: Tx, tree: Tree, page: Sequence[Row]) -> None:
    block, leaves = -1, list[bytes]()
    for entry in page:
        index = entry["seq"] - 1
        if index // BLOCK != block:
            block = index // BLOCK
            leaves = await ledger.leaves(tx, block, tree.size)
        whole = len(leaves) == min(BLOCK, tree.size - block * BLOCK)
        # Where somebody took seals away there is no proof, which the verifier will say.
        entry["proof"] = [each.hex() for each in tree.inclusion(index, leaves)] if whole else []


def row_of(link: Link) -> Row:
    """An entry with the hashes of its seal; without, where somebody took the seal away."""
    seal = link.seal
    hashes = (seal.prev_hash.hex(), seal.hash.hex()) if seal else (None, None)
    entry = link.entry or {}
    fields = {name: entry.get(name) for name in _COLUMNS}
    return fields | dict(zip(("prev_hash", "hash"), hashes, strict=True))


def line_of(fields: Row) -> bytes:
    """A line of JSON."""
    return orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE)


def _rows(rows: Sequence[Sequence[Any]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _cell(value: Any) -> Any:
    """A cell's text, with an apostrophe before what a spreadsheet would take for a formula."""
    if isinstance(value, dict):
        value = orjson.dumps(value).decode()
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
