"""Files that have no name: whatever ends the process, nothing of them is left."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def nameless(directory: Path) -> Iterator[tuple[IO[bytes], Path]]:
    """A new file on the disk of ``directory``, and the path by which this process can open it."""
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=directory) as file:
        yield file, Path(f"/proc/self/fd/{file.fileno()}")
