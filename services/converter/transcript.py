"""All that ffmpeg says of a rendition: whole, unless somebody's film makes it talk for ever."""

from __future__ import annotations

from collections.abc import Sequence

KEPT = 256 * 1024
"""Bytes of its beginning, and of its end."""


class Transcript:
    """The commands of a rendition and what came of them, in at most twice ``kept`` bytes."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._head = bytearray()
        self._tail = bytearray()
        self._left_out = 0

    def command(self, arguments: Sequence[str]) -> None:
        """A command begins."""
        self.write(f"$ ffmpeg {' '.join(arguments)}\n".encode())

    def write(self, chunk: bytes) -> None:
        """More was said."""
        room = self._kept - len(self._head)
        self._head += chunk[:room]
        self._tail += chunk[room:]
        if len(self._tail) > 2 * self._kept:
            self._forget(len(self._tail) - self._kept)

    def content(self) -> bytes:
        """All of it, or its beginning, how much is missing, and its end."""
        self._forget(max(0, len(self._tail) - self._kept))
        gap = f"\n[{self._left_out} bytes left out]\n".encode() if self._left_out else b""
        return bytes(self._head + gap + self._tail)

    def _forget(self, size: int) -> None:
        del self._tail[:size]
        self._left_out += size
