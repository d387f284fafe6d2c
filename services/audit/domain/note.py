"""Signed notes (C2SP signed-note): text that shows by itself that it is ours.

The first line of the text is also the name under which it is signed, so that no note can be taken
for one of another kind or tenant. The signature line carries that name, and base64 of four bytes
of the key's hash and the Ed25519 signature.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_ED25519 = b"\x01"
_NOTE = re.compile(
    r"(?P<text>(?P<name>\S+)\n(?:[^\n]+\n)*)\n— (?P=name) (?P<signature>\S+)\n?", re.ASCII
)


class Unsigned(ValueError):
    """The text is no note, or was not signed by us."""


def sign(text: str, key: Ed25519PrivateKey) -> str:
    """A text of whole lines, none of them empty, as a signed note."""
    name = text.partition("\n")[0]
    signature = _key_id(name, key.public_key()) + key.sign(text.encode())
    return f"{text}\n— {name} {base64.b64encode(signature).decode()}\n"


def opened(note: str, key: Ed25519PublicKey) -> str:
    """The text of a note. Raises Unsigned."""
    parts = _NOTE.fullmatch(note)
    if parts is None:
        raise Unsigned("This is no signed note of an audit trail.")
    try:
        signature = base64.b64decode(parts["signature"], validate=True)
        if signature[:4] != _key_id(parts["name"], key):
            raise Unsigned("It was signed with another key.")
        key.verify(signature[4:], parts["text"].encode())
    except (InvalidSignature, binascii.Error) as error:
        raise Unsigned("The signature does not fit the text.") from error
    return parts["text"]


def _key_id(name: str, key: Ed25519PublicKey) -> bytes:
    material = name.encode() + b"\n" + _ED25519 + key.public_bytes_raw()
    return hashlib.sha256(material).digest()[:4]
