"""Reads the skeleton of an ISO base media file: is it whole, encrypted, turned?

Source: ISO/IEC 14496-12 (boxes, sample tables) and 23001-7 (common encryption). Sizes in the file
are claims of a stranger: every read is bounded, every loop ends with the bytes it was given.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

LARGEST_MOOV = 256 * 2**20
MOST_BOXES = 100_000
ENCRYPTED_ENTRIES = {b"encv", b"enca", b"enct", b"encs", b"drmi", b"drms"}
CONTAINERS = {b"mdia", b"minf", b"stbl"}
TABLES = {b"tkhd", b"stsd", b"stsc", b"stsz", b"stco", b"co64"}
QUARTER_TURNS = {(1, 0): 0, (0, 1): 90, (-1, 0): 180, (0, -1): 270}

Box = tuple[bytes, int, int]
"""Kind, and where its content begins and should end."""


@dataclass(slots=True)
class Track:
    """What the sample tables of one track say."""

    handler: bytes = b""
    rotation: int = 0
    entries: list[bytes] = field(default_factory=list)
    end: int = 0
    """Where its last chunk ends in the file."""


@dataclass(slots=True)
class Skeleton:
    """The top level of a file and its tracks; ``damage`` says what is missing."""

    iso: bool = False
    damage: str | None = None
    tracks: list[Track] = field(default_factory=list)

    @property
    def encrypted(self) -> bool:
        """Whether any track needs a key."""
        return any(set(track.entries) & ENCRYPTED_ENTRIES for track in self.tracks)

    @property
    def rotation(self) -> int:
        """Clockwise degrees of the first video track: 0, 90, 180 or 270."""
        return next((track.rotation for track in self.tracks if track.handler == b"vide"), 0)


def skeleton(file: BinaryIO) -> Skeleton:
    """Walk the boxes of a whole file."""
    size = file.seek(0, 2)
    boxes = list(_top_level(file, size))
    found = Skeleton(iso=bool(boxes) and boxes[0][0] == b"ftyp")
    movie = next((box for box in boxes if box[0] == b"moov"), None)
    if movie is None:
        found.damage = "its index (moov) is missing"
    elif movie[2] > size:
        found.damage = "its index (moov) is cut short"
    elif any(kind in (b"mdat", b"moof") and end > size for kind, _, end in boxes):
        found.damage = "its media data is cut short"
    elif movie[2] - movie[1] <= LARGEST_MOOV:
        file.seek(movie[1])
        found.tracks = _tracks(memoryview(file.read(movie[2] - movie[1])))
        if any(track.end > size for track in found.tracks if track.handler == b"vide"):
            found.damage = "its index points beyond its end"
    return found


def _top_level(file: BinaryIO, size: int) -> Iterator[Box]:
    position = 0
    for _ in range(MOST_BOXES):
        file.seek(position)
        header = file.read(16)
        box = _box(memoryview(header), position, size)
        if box is None:
            return
        yield box
        position = box[2]
        if position >= size:
            return


def _box(header: memoryview, start: int, limit: int) -> Box | None:
    """One box header; None if there is none, or its size is nonsense."""
    if len(header) < 8:
        return None
    length, kind = struct.unpack_from(">I4s", header)
    content = start + 8
    if length == 1 and len(header) >= 16:
        length, content = struct.unpack_from(">Q", header, 8)[0], start + 16
    elif length == 0:
        length = limit - start
    return (kind, content, start + length) if start + length >= content else None


def _children(content: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    position = 0
    for _ in range(MOST_BOXES):
        box = _box(content[position : position + 16], position, len(content))
        if box is None:
            return
        yield box[0], content[box[1] : box[2]]
        position = box[2]


def _tracks(movie: memoryview) -> list[Track]:
    return [_track(content) for kind, content in _children(movie) if kind == b"trak"]


def _track(content: memoryview) -> Track:
    track = Track()
    tables: dict[bytes, memoryview] = {}
    for kind, box in _descend(content):
        tables[kind] = box
    if len(hdlr := tables.get(b"hdlr", memoryview(b""))) >= 12:
        track.handler = bytes(hdlr[8:12])
    track.rotation = _rotation(tables.get(b"tkhd", memoryview(b"")))
    track.entries = [kind for kind, _ in _children(tables.get(b"stsd", memoryview(b""))[8:])]
    try:
        track.end = _last_byte(tables)
    except struct.error:
        track.end = 0
    return track


def _descend(content: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """The boxes of a track that matter; a ``hdlr`` below ``minf`` or ``meta`` is another one."""
    for kind, box in _children(content):
        if kind in CONTAINERS:
            yield from _descend(box)
        elif kind in TABLES or (kind == b"hdlr" and bytes(box[8:12]) in (b"vide", b"soun")):
            yield kind, box


def _rotation(tkhd: memoryview) -> int:
    """Quarter turns of the transformation matrix (a, b in its first row), clockwise."""
    if not tkhd:
        return 0
    matrix = 52 if tkhd[0] == 1 else 40
    if len(tkhd) < matrix + 8:
        return 0
    a, b = struct.unpack_from(">ii", tkhd, matrix)
    sign = (a > 0) - (a < 0), (b > 0) - (b < 0)
    return QUARTER_TURNS.get(sign, 0)


def _last_byte(tables: dict[bytes, memoryview]) -> int:
    """Where the chunk that begins last ends; 0 if there are no chunks here (fragmented files)."""
    offsets = _offsets(tables)
    runs, sizes = tables.get(b"stsc"), tables.get(b"stsz")
    if not offsets or runs is None or sizes is None:
        return 0
    last = max(range(len(offsets)), key=offsets.__getitem__)
    first_sample, samples = _samples_of_chunk(runs, last)
    same, count = struct.unpack_from(">II", sizes, 4)
    samples = max(0, min(samples, count - first_sample))
    if same:
        return int(offsets[last] + same * samples)
    here = struct.unpack_from(f">{samples}I", sizes, 12 + 4 * first_sample)
    return int(offsets[last] + sum(here))


def _offsets(tables: dict[bytes, memoryview]) -> tuple[int, ...]:
    box, width, letter = tables.get(b"stco"), 4, "I"
    if box is None:
        box, width, letter = tables.get(b"co64"), 8, "Q"
    if box is None or len(box) < 8:
        return ()
    count = min(struct.unpack_from(">I", box, 4)[0], (len(box) - 8) // width)
    return struct.unpack_from(f">{count}{letter}", box, 8)


def _samples_of_chunk(runs: memoryview, chunk: int) -> tuple[int, int]:
    """First sample and number of samples of a chunk, both counted from zero."""
    count = min(struct.unpack_from(">I", runs, 4)[0], (len(runs) - 8) // 12)
    before, first_chunk, per_chunk = 0, 0, 0
    for at in range(count):
        start, samples, _ = struct.unpack_from(">III", runs, 8 + 12 * at)
        if start - 1 > chunk:
            break
        before += (start - 1 - first_chunk) * per_chunk
        first_chunk, per_chunk = start - 1, samples
    return before + (chunk - first_chunk) * per_chunk, per_chunk
