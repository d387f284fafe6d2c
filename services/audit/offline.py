"""Verifies an exported trail with nothing but the file and our public key.

The file is read twice: its last line says how many entries were signed, and under which root; then
each entry is held against that, by its place in the chain or by its own proof. That a selection
leaves nothing out cannot be seen from it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from services.audit.domain import checkpoint as notes
from services.audit.domain.chain import GENESIS, digest
from services.audit.domain.checkpoint import Checkpoint, ForgedCheckpoint
from services.audit.domain.merkle import NoSuchTree, Tree, leaf_hash, root_by_inclusion

_LONGEST_LINE = 1024 * 1024


class BadLine(Exception):
    """The file is not what was exported; ``number`` counts its lines from 1."""

    def __init__(self, number: int, reason: str) -> None:
        super().__init__(f"line {number}: {reason}")
        self.number = number
        self.reason = reason


class _Wrong(Exception):
    """What is wrong with the line at hand."""


@dataclass(frozen=True, slots=True)
class Verified:
    """How many entries were verified against which checkpoint; ``complete`` if up to it all."""

    entries: int
    checkpoint: Checkpoint
    complete: bool


def verify_file(path: Path, key: Ed25519PublicKey) -> Verified:
    """Verify a file of JSON lines. Raises BadLine for the first that is wrong, or OSError."""
    with path.open("rb") as file:
        last, signed = _checkpoint(file, key)
        file.seek(0)
        first = _parsed(file.readline(_LONGEST_LINE), 1)
        selection = last > 1 and "proof" in first
        check = _selection(signed) if selection else _chain(signed)
        file.seek(0)
        for number in range(1, last):
            _check(check, _parsed(file.readline(_LONGEST_LINE), number), number)
    if not selection and last - 1 != signed.size:
        raise BadLine(last, f"{signed.size} entries were signed, but {last - 1} are here")
    return Verified(last - 1, signed, complete=not selection)


def _checkpoint(file: BinaryIO, key: Ed25519PublicKey) -> tuple[int, Checkpoint]:
    """The number of the last line, and the checkpoint in it."""
    number, line = 0, b""
    while following := file.readline(_LONGEST_LINE):
        number, line = number + 1, following
    last = _parsed(line, max(number, 1))
    note = last.get("checkpoint")
    if not isinstance(note, str):
        raise BadLine(max(number, 1), "the file does not end with a checkpoint")
    try:
        return number, notes.opened(note, key)
    except ForgedCheckpoint as forged:
        raise BadLine(number, forged.detail) from forged


def _parsed(line: bytes, number: int) -> dict[str, Any]:
    try:
        fields = _read(line)
    except (ValueError, RecursionError) as error:
        raise BadLine(number, "this is no JSON") from error
    if not isinstance(fields, dict):
        raise BadLine(number, "this is no entry")
    return fields


def _read(line: bytes) -> Any:
    """The JSON of a line: fast if it stands there as we write it, else with all exactness.

    What somebody else wrote might have a name twice, or numbers that the fast parser rounds.
    """
    with suppress(ValueError):
        fields = orjson.loads(line)
        if orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE) == line:
            return fields
    return json.loads(line, object_pairs_hook=_without_twins)


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a name stands there twice")
    return fields


_Check = Callable[[dict[str, Any]], None]


def _check(check: _Check, fields: dict[str, Any], number: int) -> None:
    try:
        check(fields)
    except _Wrong as wrong:
        raise BadLine(number, str(wrong)) from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadLine(number, "this is no entry of a trail") from error


def _chain(signed: Checkpoint) -> _Check:
    """Checks the entries of a whole trail, in their order; the last bears the signed head."""
    tree, before = Tree(), GENESIS

    def check(fields: dict[str, Any]) -> None:
        nonlocal before
        prev_hash, sealed = _sealed(fields, signed.tenant)
        if fields["seq"] != tree.size + 1:
            raise _Wrong(f"entry {fields['seq']} stands where entry {tree.size + 1} belongs")
        if prev_hash != before:
            raise _Wrong(f"entry {fields['seq']} does not follow the entry before")
        tree.append(leaf_hash(sealed))
        before = sealed
        if tree.size == signed.size and (sealed, tree.root()) != (signed.hash, signed.root):
            raise _Wrong("the chain up to here is not the one that was signed")

    return check


def _selection(signed: Checkpoint) -> _Check:
    """Checks entries by their proofs."""
    before = 0

    def check(fields: dict[str, Any]) -> None:
        nonlocal before
        proof = [bytes.fromhex(each) for each in fields.pop("proof")]
        _, sealed = _sealed(fields, signed.tenant)
        if fields["seq"] <= before:
            raise _Wrong(f"entry {fields['seq']} stands behind entry {before}")
        before = fields["seq"]
        try:
            root = root_by_inclusion(before - 1, signed.size, leaf_hash(sealed), proof)
        except NoSuchTree as error:
            raise _Wrong(f"entry {before} has no proof: {error}") from error
        if root != signed.root:
            raise _Wrong(f"entry {before} is not among those that were signed")

    return check


def _sealed(fields: dict[str, Any], tenant: str) -> tuple[bytes, bytes]:
    """The hashes before and of an entry, taken out of its fields, which they must cover."""
    prev_hash, sealed = (bytes.fromhex(fields.pop(name)) for name in ("prev_hash", "hash"))
    if digest(prev_hash, fields) != sealed:
        raise _Wrong(f"entry {fields['seq']} was changed")
    if fields["tenant_id"] != tenant:
        raise _Wrong(f"entry {fields['seq']} is of another tenant than the checkpoint")
    return prev_hash, sealed
