"""Media URLs: given out for an hour or two, and exactly as they are."""

from __future__ import annotations

import base64
import hmac
from urllib.parse import urlsplit
from uuid import UUID

import pytest

from shared.blobs.port import InvalidKey
from shared.blobs.signing import ExpiredUrl, ForgedUrl, MediaSigner

KEY = "default/renditions/0192/7/webm.webm"
ASSET = UUID("019a9d3c-5c00-7000-8000-000000000001")
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
    url = signer.url(ASSET, "webm", KEY)
    assert urlsplit(url).path == f"/media/{ASSET}/webm.webm"
    assert "renditions" not in url
    assert url.partition("?")[2].split("&")[-1].startswith("signature=")
    assert signer.check(url) == KEY


def test_is_the_same_within_the_hour(signer: MediaSigner, time: Time) -> None:
    url = signer.url(ASSET, "webm", KEY)
    time.now = NOON + HOUR - 0.001
    assert signer.url(ASSET, "webm", KEY) == url
    time.now = NOON + HOUR
    assert signer.url(ASSET, "webm", KEY) != url


@pytest.mark.parametrize("given_out", [NOON, NOON + HOUR / 2, NOON + HOUR - 0.001])
def test_is_valid_for_one_to_two_hours(signer: MediaSigner, time: Time, given_out: float) -> None:
    time.now = given_out
    url = signer.url(ASSET, "webm", KEY)
    time.now = given_out + HOUR
    assert signer.check(url) == KEY
    time.now = given_out + 2 * HOUR + 0.001
    with pytest.raises(ExpiredUrl):
        signer.check(url)


def test_any_altered_byte_is_a_forgery(signer: MediaSigner, time: Time) -> None:
    url = signer.url(ASSET, "webm", KEY)
    for later in (0.0, 3 * HOUR):
        time.now = NOON + later
        for at in range(len(url)):
            for other in {chr(ord(url[at]) ^ 1), "A", "~"} - {url[at]}:
                with pytest.raises(ForgedUrl):
                    signer.check(url[:at] + other + url[at + 1 :])


def test_adding_or_leaving_out_is_a_forgery(signer: MediaSigner) -> None:
    url = signer.url(ASSET, "webm", KEY)
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
        MediaSigner(b"other", time).check(signer.url(ASSET, "webm", KEY))


def test_signs_nothing_that_is_no_key(signer: MediaSigner) -> None:
    with pytest.raises(InvalidKey):
        signer.url(ASSET, "webm", "../etc/passwd")
    with pytest.raises(InvalidKey):
        signer.url("..", "webm", KEY)


def test_assets_that_share_an_object_have_urls_of_their_own(signer: MediaSigner) -> None:
    twin = UUID("019a9d3c-5c00-7000-8000-000000000002")
    one, other = signer.url(ASSET, "webm", KEY), signer.url(twin, "webm", KEY)
    assert one.partition("?")[0] != other.partition("?")[0]
    assert str(ASSET) not in other
    assert signer.check(one) == signer.check(other) == KEY


def test_a_url_of_the_older_form_has_expired(signer: MediaSigner) -> None:
    signed = f"/media/{KEY}?expires={int(NOON + HOUR)}"
    signature = hmac.digest(b"k" * 32, signed.encode(), "sha256")
    text = base64.urlsafe_b64encode(signature).rstrip(b"=").decode()
    with pytest.raises(ExpiredUrl):
        signer.check(f"{signed}&signature={text}")
