"""An upload goes on from where the server says it is, whatever became of the request before."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.cli.client import Client
from services.cli.failures import Failed, Refused, Unreachable
from services.cli.tests.conftest import Gateway
from services.cli.tus import Film, Upload

PLACE = "/api/admin/uploads/u1"
ASSET = "/api/admin/assets/a1"
CONTENT = bytes(range(200)) * 5


@pytest.fixture
def film(tmp_path: Path) -> Film:
    path = tmp_path / "film.mp4"
    path.write_bytes(CONTENT)
    return Film.of(path, "Šárka")


class Sender:
    """Uploads a film, and remembers what it was told meanwhile."""

    def __init__(self, gateway: Gateway, film: Film, patience: float = 60) -> None:
        self.began: list[int] = []
        self.moved: list[int] = []
        self.pauses: list[float] = []
        client = Client(gateway.url, "token", patience, pause=self.pauses.append)
        self.run = Upload(client, film, self.began.append, self.moved.append).run


def accept(gateway: Gateway) -> None:
    """An upload begins."""
    gateway.give(201, {}, Location=PLACE, Upload_Offset="0")


def finish(gateway: Gateway) -> None:
    """All of it is there."""
    gateway.give(204, b"", Upload_Offset="1000", Content_Location=ASSET)


def test_a_film_is_sent_whole(gateway: Gateway, film: Film) -> None:
    accept(gateway)
    finish(gateway)
    sender = Sender(gateway, film)
    assert sender.run() == "a1"
    begin, patch = gateway.asked
    assert begin.headers["upload-length"] == "1000"
    assert begin.headers["upload-metadata"] == (
        "filename ZmlsbS5tcDQ=,title xaDDoXJrYQ==,filetype dmlkZW8vbXA0"
    )
    assert (patch.path, patch.headers["upload-offset"], patch.body) == (PLACE, "0", CONTENT)
    assert (sender.began, sender.moved[-1]) == ([0], 1000)


def test_it_waits_as_asked_and_goes_on_where_the_server_is(gateway: Gateway, film: Film) -> None:
    accept(gateway)
    gateway.give(503, {"detail": "Storage is away.", "code": "unavailable"}, Retry_After="7")
    gateway.give(200, {}, Upload_Offset="400")
    gateway.hang_up()
    gateway.give(200, {}, Upload_Offset="600")
    gateway.give(409, {"detail": "It is further.", "code": "offset_mismatch"})
    gateway.give(200, {}, Upload_Offset="900")
    finish(gateway)
    sender = Sender(gateway, film)
    assert sender.run() == "a1"
    assert sender.pauses == [7, 0.5]
    assert gateway.asked[-1].body == CONTENT[900:]


def test_an_answer_that_was_lost_does_not_make_a_second_asset(gateway: Gateway, film: Film) -> None:
    accept(gateway)
    gateway.hang_up()
    gateway.give(200, {}, Upload_Offset="1000", Content_Location=ASSET)
    assert Sender(gateway, film).run() == "a1"


def test_the_next_run_goes_on_and_says_from_where(gateway: Gateway, film: Film) -> None:
    accept(gateway)
    gateway.give(401, {"detail": "The session has ended.", "code": "invalid_token"})
    with pytest.raises(Refused, match="has ended"):
        Sender(gateway, film).run()
    gateway.give(200, {}, Upload_Offset="250")
    finish(gateway)
    sender = Sender(gateway, film)
    assert sender.run() == "a1"
    assert sender.began == [250]
    assert gateway.asked[-1].body == CONTENT[250:]


@pytest.mark.parametrize("status", [404, 410])
def test_what_is_gone_is_begun_anew(gateway: Gateway, film: Film, status: int) -> None:
    accept(gateway)
    gateway.give(415, {"detail": "No video.", "code": "no_video"})
    with pytest.raises(Refused, match="No video"):
        Sender(gateway, film).run()
    gateway.give(status, {"detail": "It is gone.", "code": "upload_gone"})
    accept(gateway)
    finish(gateway)
    assert Sender(gateway, film).run() == "a1"


def test_a_file_that_was_changed_is_another_one(gateway: Gateway, film: Film) -> None:
    accept(gateway)
    gateway.give(401, {"detail": "The session has ended.", "code": "invalid_token"})
    with pytest.raises(Refused):
        Sender(gateway, film).run()
    film.path.write_bytes(CONTENT[1:])
    accept(gateway)
    finish(gateway)
    Sender(gateway, Film.of(film.path, film.title)).run()
    assert gateway.asked[-1].body == CONTENT[1:]


def test_who_gives_up_says_what_is_safe(gateway: Gateway, film: Film) -> None:
    accept(gateway)
    gateway.give(204, b"", Upload_Offset="420")
    gateway.give(503, {"detail": "Away.", "code": "unavailable"}, Retry_After="3600")
    with pytest.raises(Unreachable, match="Away") as given_up:
        Sender(gateway, film).run()
    assert given_up.value.more[-1].startswith("42 % of film.mp4 is safe")


def test_what_cannot_be_read_is_said(gateway: Gateway, film: Film, tmp_path: Path) -> None:
    with pytest.raises(Failed, match="No such file"):
        Film.of(tmp_path / "nothing")
    with pytest.raises(Failed, match="Is a directory"):
        Film.of(tmp_path)
    film.path.write_bytes(CONTENT[:10])
    accept(gateway)
    with pytest.raises(Failed, match="has become shorter"):
        Sender(gateway, film).run()
