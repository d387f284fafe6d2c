"""Sends a file in pieces over tus 1.0, and goes on where an earlier attempt was stopped.

Where an upload is kept is written down before its first byte is sent, under the name of what makes
a file the same one: its path, size and time of change, and where it goes. The server tells how much
of it is safe. Nothing but that note is needed to go on, by this process or the next one.
"""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from urllib3.response import BaseHTTPResponse

from services.cli import account
from services.cli.client import AGAIN, Client
from services.cli.failures import Failed, Refused, Unreachable

UPLOADS = "/api/admin/uploads"

_SPEAKS = {"Tus-Resumable": "1.0.0"}
_REQUEST = 32 * 1024 * 1024  # bytes of a request; the server makes them safe in smaller pieces
_BLOCK = 64 * 1024
_FORGET_AFTER = 48 * 3600.0  # seconds; the server does after 24 hours
_GONE = (404, 410)

Watch = Callable[[int], None]
"""Told how many bytes have been sent; fewer than before, if some were lost."""


@dataclass(frozen=True, slots=True)
class Film:
    """A file to be uploaded."""

    path: Path
    size: int
    changed_ns: int
    title: str | None

    @classmethod
    def of(cls, path: Path, title: str | None = None) -> Film:
        """What stands at a path now. Raises Failed if that is no file that can be read."""
        try:
            with path.open("rb"):
                stat = path.stat()
        except OSError as error:
            raise Failed(f"{path}: {error.strerror or error}.") from error
        return cls(path, stat.st_size, stat.st_mtime_ns, title)

    def metadata(self) -> str:
        """As tus wants to be told of it."""
        told = {"filename": self.path.name, "title": self.title, "filetype": "video/mp4"}
        return ",".join(
            f"{key} {base64.b64encode(text.encode(errors='replace')).decode()}"
            for key, text in told.items()
            if text
        )

    def sha256(self) -> str:
        """The digest of its content. Raises Failed."""
        try:
            with self.path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise Failed(f"{self.path}: {error.strerror or error}.") from error


@dataclass(frozen=True, slots=True)
class _Place:
    """How far an upload is; complete if there is an asset."""

    offset: int
    asset_id: str | None

    @classmethod
    def of(cls, answer: BaseHTTPResponse) -> _Place:
        asset = answer.headers.get("Content-Location")
        return cls(int(answer.headers["Upload-Offset"]), asset and asset.rpartition("/")[2])


@dataclass
class Upload:
    """The upload of one film. Raises what the client does, and Failed."""

    client: Client
    film: Film
    began: Watch
    watch: Watch

    def run(self) -> str:
        """Send what is not there yet; the id of the asset that it has become."""
        _forget_old()
        note = _note(self.client.url, self.film)
        location, place = self._found(note)
        if location is None:
            location, place = self._begun(note), _Place(0, None)
        self.began(place.offset)
        asset_id = self._sent(location, place)
        note.unlink(missing_ok=True)
        return asset_id

    def _found(self, note: Path) -> tuple[str | None, _Place]:
        """Where an earlier attempt has come to, if the server still has it."""
        kept = account.read_json(note)
        if kept is None or not str(kept.get("upload", "")).startswith(UPLOADS):
            return None, _Place(0, None)
        try:
            return kept["upload"], self._asked(kept["upload"])
        except Refused as refused:
            if refused.status not in _GONE:
                raise
            return None, _Place(0, None)

    def _begun(self, note: Path) -> str:
        announced = {
            **_SPEAKS,
            "Idempotency-Key": str(uuid4()),
            "Upload-Length": str(self.film.size),
            "Upload-Metadata": self.film.metadata(),
        }
        answer = self.client.send("POST", UPLOADS, headers=announced)
        location = f"{UPLOADS}/{answer.headers['Location'].rpartition('/')[2]}"
        account.keep_json(note, {"upload": location, "file": str(self.film.path)})
        return location

    def _asked(self, location: str) -> _Place:
        return _Place.of(self.client.send("GET", location, headers=_SPEAKS))

    def _sent(self, location: str, place: _Place) -> str:
        """Send piece after piece; what fails on the way is tried again while there is patience."""
        deadline, pause = time.monotonic() + self.client.patience, 0.5
        while place.asset_id is None:
            before = place.offset
            self.watch(before)
            try:
                place = self._step(location, before)
            except Unreachable as fault:
                wait, pause = max(pause, fault.retry_after), min(2 * pause, 5.0)
                if time.monotonic() + wait > deadline:
                    raise self._given_up(fault, before) from fault
                place = self._recovered(location, before, fault, wait)
            if place.offset > before:
                deadline, pause = time.monotonic() + self.client.patience, 0.5
        self.watch(self.film.size)
        return place.asset_id

    def _recovered(self, location: str, before: int, fault: Unreachable, wait: float) -> _Place:
        self.client.wait(wait, fault.text)
        try:
            return self._asked(location)
        except Unreachable as still:
            raise self._given_up(still, before) from still

    def _step(self, location: str, offset: int) -> _Place:
        """Send one request's worth from an offset; where it has come to."""
        length = min(_REQUEST, self.film.size - offset)
        headers = {
            **_SPEAKS,
            "Content-Type": "application/offset+octet-stream",
            "Content-Length": str(length),
            "Upload-Offset": str(offset),
        }
        with self._opened() as file:
            file.seek(offset)
            body = self._blocks(file, offset, length)
            try:
                answer = self.client.once("PATCH", location, content=body, headers=headers)
            except Refused as refused:
                if refused.code == "offset_mismatch":
                    return self._asked(location)
                if refused.status in AGAIN or refused.code == "upload_stalled":
                    wait = float(refused.problem.get("retry_after") or 0)
                    raise Unreachable(refused.text, *refused.more, retry_after=wait) from refused
                raise
        return _Place.of(answer)

    def _blocks(self, file: BinaryIO, offset: int, length: int) -> Iterator[bytes]:
        sent = 0
        while sent < length:
            block = file.read(min(_BLOCK, length - sent))
            if not block:
                raise Failed(f"{self.film.path} has become shorter while it was sent.")
            yield block
            sent += len(block)
            self.watch(offset + sent)

    def _opened(self) -> BinaryIO:
        try:
            return self.film.path.open("rb")
        except OSError as error:
            raise Failed(f"{self.film.path}: {error.strerror or error}.") from error

    def _given_up(self, fault: Unreachable, offset: int) -> Unreachable:
        percent = 100 * offset // max(self.film.size, 1)
        return Unreachable(
            fault.text,
            *fault.more,
            f"{percent} % of {self.film.path.name} is safe: the same command goes on from there.",
        )


def _note(url: str, film: Film) -> Path:
    same = (url, film.path.absolute(), film.size, film.changed_ns, film.title or "")
    name = hashlib.sha256("\0".join(map(str, same)).encode(errors="surrogateescape")).hexdigest()
    return _notes() / f"{name[:40]}.json"


def _notes() -> Path:
    return account.state_directory() / "uploads"


def _forget_old() -> None:
    """Remove the notes of uploads that the server has given up long ago."""
    oldest = time.time() - _FORGET_AFTER
    with suppress(OSError):
        for note in _notes().iterdir():
            if note.stat().st_mtime < oldest:
                note.unlink(missing_ok=True)
