"""The trail as a file: JSON lines that can be verified without us, or CSV for spreadsheets.

JSON lines (media type ``application/jsonl``): one entry a line, every column of it, with
``prev_hash`` and ``hash`` in hexadecimal as documented in ``domain.chain``; and one last line
``{"checkpoint": "..."}``, the signed note over all entries up to then. All entries in their order
are a chain whose end is signed. A selection of them is no chain: then each line has a ``proof``,
the hashes that lead from its leaf to the signed root (RFC 6962, section 2.1.1).

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

from services.audit import ledger
from services.audit.domain.chain import Link
from services.audit.domain.checkpoint import Checkpoint
from services.audit.domain.merkle import BLOCK, Tree
from services.audit.queries import Search
from services.audit.tables import assignment_history
from shared.contracts.context import Context
from shared.db import Database, Tx

_PAGE = 250
_COLUMNS = sorted(map(str, assignment_history.columns.keys()), key=lambda name: name != "seq")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Export:
    """What of the trail up to a checkpoint is exported, as whom."""

    database: Database
    context: Context
    search: Search
    checkpoint: Checkpoint

    async def jsonl(self, note: str) -> AsyncIterator[bytes]:
        """Lines of JSON, a page at a time; ``note`` is the checkpoint as it was signed."""
        tree = None
        if self.search.given():
            async with self.database.transaction(self.context) as tx:
                tree = await ledger.tree(tx, self.checkpoint.size)
        async for page in self._pages(tree):
            yield b"".join(map(_line, page))
        yield _line({"checkpoint": note})

    async def csv(self) -> AsyncIterator[bytes]:
        """Rows of CSV (RFC 4180), a page at a time; the first names the columns."""
        names = (*_COLUMNS, "prev_hash", "hash")
        yield _rows([names])
        async for page in self._pages(None):
            yield _rows([[_cell(entry[name]) for name in names] for entry in page])

    async def _pages(self, tree: Tree | None) -> AsyncIterator[list[dict[str, Any]]]:
        after, more = 0, True
        while more:
            async with self.database.transaction(self.context) as tx:
                links = await ledger.found(tx, self.search, after, self.checkpoint.size, _PAGE)
                page = [_fields(link) for link in links]
                if tree:
                    await _prove(tx, tree, page)
            if page:
                yield page
            more = len(links) == _PAGE
            after = links[-1].seq if links else after


async def _prove(tx: Tx, tree: Tree, page: Sequence[dict[str, Any]]) -> None:
    block, leaves = -1, list[bytes]()
    for entry in page:
        index = entry["seq"] - 1
        if index // BLOCK != block:
            block = index // BLOCK
            leaves = await ledger.leaves(tx, block, tree.size)
        whole = len(leaves) == min(BLOCK, tree.size - block * BLOCK)
        # Where somebody took seals away there is no proof, which the verifier will say.
        entry["proof"] = [each.hex() for each in tree.inclusion(index, leaves)] if whole else []


def _fields(link: Link) -> dict[str, Any]:
    """An entry with the hashes of its seal; without, where somebody took the seal away."""
    seal = link.seal
    hashes = (seal.prev_hash.hex(), seal.hash.hex()) if seal else (None, None)
    entry = link.entry or {}
    fields = {name: entry.get(name) for name in _COLUMNS}
    return fields | dict(zip(("prev_hash", "hash"), hashes, strict=True))


def _line(fields: dict[str, Any]) -> bytes:
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
