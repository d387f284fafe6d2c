"""Media URLs: given out for an hour or two, and exactly as they are."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from shared.blobs.port import InvalidKey
from shared.blobs.signing import ExpiredUrl, ForgedUrl, MediaSigner

KEY = "default/renditions/0192/7/webm.webm"
HOUR = 3600.0
NOON = 1_800_000_000.0  # a full hour


class Time:
    """A clock to turn by hand."""

    now = NOON

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    """Noon."""
    return Time()


@pytest.fixture
def signer(time: Time) -> MediaSigner:
    """A signer at noon."""
    return MediaSigner(b"k" * 32, time)


def test_what_was_signed_names_its_blob(signer: MediaSigner) -> None:
    url = signer.url(KEY)
    assert urlsplit(url).path == f"/media/{KEY}"
    assert url.partition("?")[2].split("&")[-1].startswith("signature=")
    assert signer.check(url) == KEY


def test_is_the_same_within_the_hour(signer: MediaSigner, time: Time) -> None:
    url = signer.url(KEY)
    time.now = NOON + HOUR - 0.001
    assert signer.url(KEY) == url
    time.now = NOON + HOUR
    assert signer.url(KEY) != url


@pytest.mark.parametrize("given_out", [NOON, NOON + HOUR / 2, NOON + HOUR - 0.001])
def test_is_valid_for_one_to_two_hours(signer: MediaSigner, time: Time, given_out: float) -> None:
    time.now = given_out
    url = signer.url(KEY)
    time.now = given_out + HOUR
    assert signer.check(url) == KEY
    time.now = given_out + 2 * HOUR + 0.001
    with pytest.raises(ExpiredUrl):
        signer.check(url)


def test_any_altered_byte_is_a_forgery(signer: MediaSigner, time: Time) -> None:
    url = signer.url(KEY)
    for later in (0.0, 3 * HOUR):
        time.now = NOON + later
        for at in range(len(url)):
            for other in {chr(ord(url[at]) ^ 1), "A", "~"} - {url[at]}:
                with pytest.raises(ForgedUrl):
                    signer.check(url[:at] + other + url[at + 1 :])


def test_adding_or_leaving_out_is_a_forgery(signer: MediaSigner) -> None:
    url = signer.url(KEY)
    signed, _, signature = url.rpartition("&signature=")
    for forged in (
        "",
        "/media/",
        signed,
        f"{signed}&signature=",
        f"{url}&expires=9999999999",
        f"{url}=",
        f"{url}&signature={signature}",
        f"{signed}&expires=9999999999&signature={signature}",
        f"{signed}&signature=ü",
        f"{signed}\udcff&signature={signature}",
        url[:-1],
    ):
        with pytest.raises(ForgedUrl):
            signer.check(forged)


def test_another_key_signs_otherwise(signer: MediaSigner, time: Time) -> None:
    with pytest.raises(ForgedUrl):
        MediaSigner(b"other", time).check(signer.url(KEY))


def test_signs_nothing_that_is_no_key(signer: MediaSigner) -> None:
    with pytest.raises(InvalidKey):
        signer.url("../etc/passwd")
