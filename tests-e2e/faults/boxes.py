"""Films that say what is not so, made of one that is whole (ISO/IEC 14496-12)."""

from __future__ import annotations

import struct


def references(film: bytes, elsewhere: bytes) -> bytes:
    """Its samples lie in another file, says the data reference."""
    at = film.index(b"url \0\0\0\1")
    url = struct.pack(">I", 13 + len(elsewhere)) + b"url " + bytes(4) + elsewhere + b"\0"
    old = struct.unpack(">I", film[at - 4 : at])[0]
    return _spliced(film, at - 4, old, url, (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"))


def sized(film: bytes, pixels: int) -> bytes:
    """As wide and high as the format can say."""
    at = film.index(b"avc1", film.index(b"stsd"))
    size = struct.pack(">HH", pixels, pixels)
    return film[: at + 28] + size + film[at + 32 :]


def multiplied(film: bytes, times: int) -> bytes:
    """The same track, again and again."""
    at = film.index(b"trak") - 4
    track = film[at : at + struct.unpack(">I", film[at : at + 4])[0]]
    return _spliced(film, at, 0, track * times, (b"moov",))


def fast(film: bytes) -> bytes:
    """A million pictures a second."""
    at = film.index(b"mdhd") + 4 + 12
    return film[:at] + struct.pack(">I", 125_000_000) + film[at + 4 :]


def broken(film: bytes) -> bytes:
    """Only its first picture is whole, so that a look finds nothing wrong."""
    (size,) = struct.unpack_from(">I", film, film.index(b"stsz") + 4 + 12)
    (first,) = struct.unpack_from(">I", film, film.index(b"stco") + 4 + 8)
    start = film.index(b"mdat") - 4
    end = start + struct.unpack_from(">I", film, start)[0]
    return film[: first + size] + b"\xff" * (end - first - size) + film[end:]


def _spliced(film: bytes, at: int, old: int, new: bytes, within: tuple[bytes, ...]) -> bytes:
    """Bytes replaced, and the boxes around them made to fit."""
    data = bytearray(film[:at] + new + film[at + old :])
    for kind in within:
        start = film.index(kind) - 4
        size = struct.unpack(">I", film[start : start + 4])[0]
        data[start : start + 4] = struct.pack(">I", size + len(new) - old)
    return bytes(data)
