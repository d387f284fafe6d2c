"""A sealed secret opens at its own place, unaltered, with a key that is known; not otherwise."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.db.sealing import FieldAltered, FieldCipher, FieldUnreadable, Place, UnknownFieldKey
from shared.runtime.keys import Keys

OLD, NEW = b"o" * 32, b"n" * 32
HERE = Place("sharing.webhooks", "secret", "default 7")

texts = st.text(max_size=20)
places = st.builds(Place, texts, texts, texts)


@given(place=places, secret=st.binary(max_size=200))
def test_what_was_sealed_is_opened(place: Place, secret: bytes) -> None:
    cipher = FieldCipher(NEW)
    sealed = cipher.seal(place, secret)
    assert cipher.open(place, sealed) == secret
    assert cipher.seal(place, secret) != sealed, "no nonce comes twice"


@given(secret=st.binary(max_size=50), data=st.data())
def test_any_altered_byte_is_noticed(secret: bytes, data: st.DataObject) -> None:
    cipher = FieldCipher(NEW)
    sealed = bytearray(cipher.seal(HERE, secret))
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(FieldUnreadable):
        cipher.open(HERE, bytes(sealed))


@given(secret=st.binary(max_size=50), data=st.data())
def test_what_was_cut_or_grew_is_noticed(secret: bytes, data: st.DataObject) -> None:
    cipher = FieldCipher(NEW)
    sealed = cipher.seal(HERE, secret)
    cut = sealed[: data.draw(st.integers(0, len(sealed) - 1))]
    for broken in (cut, sealed + data.draw(st.binary(min_size=1, max_size=3))):
        with pytest.raises(FieldUnreadable):
            cipher.open(HERE, broken)


@given(one=places, other=places)
def test_it_opens_nowhere_else(one: Place, other: Place) -> None:
    cipher = FieldCipher(NEW)
    if one != other:
        with pytest.raises(FieldAltered):
            cipher.open(other, cipher.seal(one, b"secret"))


@pytest.mark.parametrize("part", ["table", "column", "row"])
def test_neither_another_table_nor_column_nor_row_will_do(part: str) -> None:
    cipher = FieldCipher(NEW)
    with pytest.raises(FieldAltered):
        cipher.open(replace(HERE, **{part: "another"}), cipher.seal(HERE, b"secret"))


def test_the_parts_of_a_place_do_not_run_into_each_other() -> None:
    cipher = FieldCipher(NEW)
    with pytest.raises(FieldAltered):
        cipher.open(Place("a|b", "c", "d"), cipher.seal(Place("a", "b|c", "d"), b"secret"))


@given(key=st.binary(min_size=32, max_size=32).filter(lambda key: key != NEW))
def test_another_key_is_named(key: bytes) -> None:
    sealed = FieldCipher(key).seal(HERE, b"secret")
    with pytest.raises(UnknownFieldKey):
        FieldCipher(NEW).open(HERE, sealed)


def test_what_an_old_key_sealed_is_read_and_the_newest_seals() -> None:
    old, both, new = FieldCipher(OLD), FieldCipher(NEW, OLD), FieldCipher(NEW)
    assert both.open(HERE, old.seal(HERE, b"secret")) == b"secret"

    sealed = both.seal(HERE, b"secret")
    assert new.open(HERE, sealed) == b"secret"
    with pytest.raises(UnknownFieldKey):
        old.open(HERE, sealed)


def test_the_keys_follow_from_the_root_keys() -> None:
    before = Keys(b"first root", b"audit").field_cipher
    after = Keys(b"second root", b"audit", old_roots=(b"first root",)).field_cipher
    sealed = before.seal(HERE, b"secret")
    assert Keys(b"first root", b"other").field_cipher.open(HERE, sealed) == b"secret"
    assert after.open(HERE, sealed) == b"secret"
    with pytest.raises(UnknownFieldKey):
        Keys(b"second root", b"audit").field_cipher.open(HERE, sealed)
