"""Users are found by what somebody typed, or nobody is."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest

from services.cli.client import Client
from services.cli.failures import Failed
from services.cli.people import identified, named
from services.cli.tests.conftest import Gateway

MIA = {"id": str(uuid4()), "email": "mia@example.com"}
TOM = {"id": str(uuid4()), "email": "tom@example.com"}
MIAMI = {"id": str(uuid4()), "email": "xmia@example.com"}


def test_a_file_of_users(tmp_path: Path) -> None:
    file = tmp_path / "users.txt"
    file.write_text("\ufeffmia@example.com\r\n\n# nobody\n tom@example.com # the other\nkim@x\n")
    assert named(["kim@x"], file) == ["kim@x", "mia@example.com", "tom@example.com"]
    with pytest.raises(Failed, match="--file: cannot read"):
        named([], tmp_path / "nothing")


def test_ids_are_taken_as_they_are(gateway: Gateway) -> None:
    assert identified(Client(gateway.url), [MIA["id"].upper()]) == {MIA["id"].upper(): MIA["id"]}


def test_an_address_is_the_whole_address(gateway: Gateway) -> None:
    gateway.give(200, {"items": [MIAMI, MIA], "next_cursor": None})
    found = identified(Client(gateway.url), ["Mia@Example.com"])
    assert found == {"Mia@Example.com": MIA["id"]}
    assert gateway.asked[0].path.endswith("&query=Mia%40Example.com")


def test_many_addresses_are_read_from_the_list(gateway: Gateway) -> None:
    gateway.give(200, {"items": [MIA, MIAMI], "next_cursor": "b"})
    gateway.give(200, {"items": [TOM], "next_cursor": None})
    absent = [f"{number}@example.com" for number in range(30)]
    with pytest.raises(Failed, match="30 users cannot be found, so nothing was done") as failed:
        identified(Client(gateway.url), [MIA["email"], *absent, TOM["email"]])
    assert failed.value.more[0] == "0@example.com"
    assert failed.value.more[-1] == "and 10 more"


def test_what_is_neither_is_not_asked_for(gateway: Gateway) -> None:
    with pytest.raises(Failed, match="1 user cannot be found"):
        identified(Client(gateway.url), ["mia"])
