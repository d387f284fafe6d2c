"""Whose token is sent where."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from services.cli import account
from services.cli.failures import Failed

HERE, THERE = "http://127.0.0.1:8080", "https://marquee.example.com"


def test_a_login_is_kept_for_its_address_and_for_its_owner_alone(home: Path) -> None:
    path = account.remember(HERE, "secret", email="a@b", lasts=60)
    account.remember(THERE, "other", email="a@b", lasts=60)
    assert (account.token(HERE), account.token(THERE)) == ("secret", "other")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    account.forget(HERE)
    with pytest.raises(Failed, match=f"Nobody is signed in at {HERE}"):
        account.token(HERE)
    assert account.token(THERE) == "other"


def test_a_login_that_has_ended_is_not_sent(home: Path) -> None:
    account.remember(HERE, "secret", email="a@b", lasts=-1)
    with pytest.raises(Failed, match="has ended"):
        account.token(HERE)
    assert account.stored(HERE) == "secret"


def test_a_file_that_was_spoilt_counts_as_none(home: Path) -> None:
    path = account.remember(HERE, "secret", email="a@b", lasts=60)
    path.write_text("{")
    with pytest.raises(Failed, match="Nobody is signed in"):
        account.token(HERE)


def test_the_environment_goes_first(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    account.remember(HERE, "stored", email="a@b", lasts=60)
    file = home / "token"
    file.write_text("in a file\n".replace(" ", "-"))
    monkeypatch.setenv("MARQUEE_TOKEN_FILE", str(file))
    assert account.token(HERE) == "in-a-file"
    monkeypatch.setenv("MARQUEE_TOKEN", "given")
    assert account.token(HERE) == "given"
    monkeypatch.setenv("MARQUEE_TOKEN", "two\r\nlines")
    with pytest.raises(typer.BadParameter):
        account.token(HERE)
    monkeypatch.delenv("MARQUEE_TOKEN")
    file.unlink()
    with pytest.raises(Failed, match="MARQUEE_TOKEN_FILE: cannot read"):
        account.token(HERE)


@pytest.mark.parametrize("url", ["", " ", f"{HERE}/"])
def test_addresses(home: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("MARQUEE_URL", url)
    assert account.address() == HERE


@pytest.mark.parametrize("url", ["127.0.0.1:8080", "ftp://x", "http://", "http://x?y", "http://[x"])
def test_what_is_no_address(home: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("MARQUEE_URL", url)
    with pytest.raises(typer.BadParameter):
        account.address()
