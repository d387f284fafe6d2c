"""A checkpoint says what the chain was, and nobody else can say it."""

from __future__ import annotations

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.audit.domain import checkpoint
from services.audit.domain.checkpoint import Checkpoint, ForgedCheckpoint

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ROOT, LAST = hashlib.sha256(b"root").digest(), hashlib.sha256(b"seventeen").digest()
SIGNED = Checkpoint("default", 17, ROOT, LAST)
NOTE = checkpoint.sign(SIGNED, KEY)


def test_it_is_a_signed_note_as_others_read_them() -> None:
    origin, size, root, last, empty, signature, end = NOTE.split("\n")
    assert (origin, size, empty, end) == ("marquee/default", "17", "", "")
    assert (base64.b64decode(root), base64.b64decode(last)) == (ROOT, LAST)
    dash, name, encoded = signature.split(" ")
    assert (dash, name) == ("—", "marquee/default")
    raw = KEY.public_key().public_bytes_raw()
    signed = base64.b64decode(encoded)
    assert signed[:4] == hashlib.sha256(b"marquee/default\n\x01" + raw).digest()[:4]
    KEY.public_key().verify(signed[4:], f"{origin}\n{size}\n{root}\n{last}\n".encode())


def test_it_can_be_read_back_with_the_public_key() -> None:
    assert checkpoint.read(NOTE, "default", KEY.public_key()) == SIGNED
    assert checkpoint.opened(NOTE, KEY.public_key()) == SIGNED
    assert base64.b64decode(checkpoint.public_key(KEY)) == KEY.public_key().public_bytes_raw()


@pytest.mark.parametrize(
    "forged",
    [
        "",
        "not a note",
        NOTE.replace("17", "18"),
        NOTE.replace("marquee/default", "marquee/other"),
        NOTE.replace(base64.b64encode(ROOT).decode(), base64.b64encode(bytes(32)).decode()),
        NOTE.replace(base64.b64encode(LAST).decode(), base64.b64encode(bytes(32)).decode()),
        NOTE.replace("17", "0x11"),
        NOTE + "more\n",
        NOTE.rpartition(" ")[0] + " ####\n",
        NOTE.rpartition(" ")[0] + " AAAA\n",
    ],
)
def test_a_forged_one_is_refused(forged: str) -> None:
    with pytest.raises(ForgedCheckpoint):
        checkpoint.read(forged, "default", KEY.public_key())


def test_one_of_another_tenant_or_key_is_refused() -> None:
    with pytest.raises(ForgedCheckpoint):
        checkpoint.read(NOTE, "other", KEY.public_key())
    with pytest.raises(ForgedCheckpoint):
        checkpoint.read(NOTE, "default", Ed25519PrivateKey.generate().public_key())
