"""Whatever is done to a sealed chain is found, at the place where it was done."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from services.audit.domain import chain
from services.audit.domain.chain import GENESIS, Fault, Head, Link, Seal, Verification
from services.audit.domain.entry import Deed, Entry, as_json
from shared.contracts.actor import Actor

LENGTH = 8
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def entry(seq: int, **more: Any) -> dict[str, Any]:
    """The columns of an entry."""
    deed = Deed(
        tenant="default",
        event_id=uuid4(),
        event_type="identity.user.created.v1",
        action="user_created",
        actor=Actor("user", uuid4()),
        performed_at=NOON,
        user_id=uuid4(),
        metadata={"role": "user"},
    )
    return as_json(Entry(uuid4(), seq, NOON, deed).columns()) | more


def sealed(entries: list[dict[str, Any]], head: Head | None = None) -> list[Link]:
    """Entries with their seals."""
    seals = chain.seals(head or Head(), entries)
    return [Link(seal.seq, each, seal) for each, seal in zip(entries, seals, strict=True)]


def a_chain(length: int = LENGTH) -> list[Link]:
    """A sound chain."""
    return sealed([entry(seq) for seq in range(1, length + 1)])


def first_fault(links: list[Link]) -> Fault | None:
    """Verify a whole chain; the first place where it does not hold, or None."""
    verification = Verification()
    return next(filter(None, map(verification.check, links)), None)


def head_of(links: list[Link]) -> Head:
    """Where a chain ends."""
    seal = links[-1].seal
    assert seal is not None
    return Head(seal.seq, seal.hash)


def with_seal(link: Link, **changes: Any) -> Link:
    """A link with parts of its seal replaced."""
    assert link.seal is not None
    return replace(link, seal=replace(link.seal, **changes))


places = st.integers(0, LENGTH - 1)


def test_the_hash_is_what_the_documentation_says() -> None:
    fields = {"tenant_id": "default", "seq": 1, "reason": None, "metadata": {"b": 1, "a": "é"}}
    canonical = '{"metadata":{"a":"é","b":1},"seq":1,"tenant_id":"default"}'.encode()
    expected = hashlib.sha256(b"\x00" + bytes(32) + canonical).digest()
    assert chain.digest(GENESIS, fields) == expected


def test_a_sound_chain_has_no_fault() -> None:
    assert first_fault(a_chain()) is None
    assert first_fault([]) is None


def test_a_chain_can_be_continued() -> None:
    links = a_chain()
    more = sealed([entry(LENGTH + 1), entry(LENGTH + 2)], head_of(links))
    assert first_fault(links + more) is None


@given(place=places, field=st.sampled_from(sorted(entry(1))), value=st.none() | st.text())
def test_an_edited_entry_is_found(place: int, field: str, value: str | None) -> None:
    links = a_chain()
    original = links[place].entry
    assert original is not None
    if original[field] == value:
        value = "something else"
    links[place] = replace(links[place], entry=dict(original) | {field: value})
    assert first_fault(links) == Fault(place + 1, "edited")


@given(place=places, flipped=st.integers(0, 31), half=st.sampled_from(["prev_hash", "hash"]))
def test_an_edited_seal_is_found(place: int, flipped: int, half: str) -> None:
    links = a_chain()
    hashed = bytearray(getattr(links[place].seal, half))
    hashed[flipped] ^= 1
    links[place] = with_seal(links[place], **{half: bytes(hashed)})
    assert first_fault(links) == Fault(place + 1, "edited")


def test_a_seal_of_another_entry_is_found() -> None:
    links = a_chain()
    links[3] = with_seal(links[3], entry_id=uuid4())
    assert first_fault(links) == Fault(4, "edited")


@given(place=st.integers(0, LENGTH - 2))
def test_an_entry_edited_and_sealed_anew_is_found(place: int) -> None:
    links = a_chain()
    seal = links[place].seal
    assert seal is not None
    forged = entry(place + 1)
    [links[place]] = sealed([forged], Head(place, seal.prev_hash))
    assert first_fault(links) == Fault(place + 1, "resealed")


@given(place=st.integers(0, LENGTH - 2))
def test_a_deleted_link_is_found(place: int) -> None:
    links = a_chain()
    del links[place]
    assert first_fault(links) == Fault(place + 1, "missing")


@given(place=places, half=st.sampled_from(["entry", "seal"]))
def test_half_a_link_is_found(place: int, half: str) -> None:
    links = a_chain()
    links[place] = replace(links[place], **{half: None})  # type: ignore[arg-type]  # one of two
    assert first_fault(links) == Fault(place + 1, f"{half}_missing")  # type: ignore[arg-type]


@given(pair=st.lists(places, min_size=2, max_size=2, unique=True).map(sorted), whole=st.booleans())
def test_swapped_entries_are_found(pair: list[int], whole: bool) -> None:
    first, second = pair
    links = a_chain()
    moved = [_at(links[second], first + 1, whole), _at(links[first], second + 1, whole)]
    if not whole:
        moved = [
            replace(moved[0], seal=links[first].seal),
            replace(moved[1], seal=links[second].seal),
        ]
    links[first], links[second] = moved
    assert first_fault(links) == Fault(first + 1, "edited")


def _at(link: Link, seq: int, whole: bool) -> Link:
    assert link.entry is not None
    moved = Link(seq, dict(link.entry) | {"seq": seq}, link.seal)
    return with_seal(moved, seq=seq) if whole else moved


@given(place=places)
def test_an_inserted_entry_is_found(place: int) -> None:
    links = a_chain()
    before = Head() if place == 0 else head_of(links[:place])
    inserted = sealed([entry(place + 1)], before)
    later = [_at(link, link.seq + 1, whole=True) for link in links[place:]]
    fault = first_fault(links[:place] + inserted + later)
    assert fault == Fault(place + 2, "edited")


@given(place=places, seq=st.integers(-5, 0))
def test_what_has_no_place_in_the_count_is_found(place: int, seq: int) -> None:
    links = a_chain()
    assert first_fault([replace(links[0], seq=seq), *links]) == Fault(seq, "inserted")
    twice = [*links[: place + 1], links[place], *links[place + 1 :]]
    assert first_fault(twice) == Fault(place + 1, "inserted")


def test_an_entry_that_is_no_json_any_more_is_found() -> None:
    links = a_chain()
    broken = dict(links[2].entry or {}) | {"metadata": {"size": float("inf")}}
    links[2] = replace(links[2], entry=broken)
    assert first_fault(links) == Fault(3, "edited")


@given(size=st.integers(0, LENGTH))
def test_a_chain_can_be_verified_from_where_it_is_trusted(size: int) -> None:
    links = a_chain()
    trusted = head_of(links[:size]) if size else Head()
    verification = Verification(trusted)
    assert not any(map(verification.check, links[size:]))
    assert verification.head == head_of(links)


def test_a_chain_that_does_not_continue_what_is_trusted_is_found() -> None:
    verification = Verification(head_of(a_chain(4)))
    assert verification.check(a_chain()[4]) == Fault(4, "resealed")


metadata = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(-1e30, 1e30)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(value=metadata)
def test_the_quick_way_to_canonical_json_leads_to_the_same(value: Any) -> None:
    fields: dict[str, Any] = {"seq": 1, "metadata": {"value": value}}
    expected = hashlib.sha256(b"\x00" + GENESIS + rfc8785.dumps(fields)).digest()
    assert chain.digest(GENESIS, fields) == expected


def test_verification_tells_the_head_it_came_to() -> None:
    links = a_chain()
    verification = Verification()
    for link in links:
        assert verification.check(link) is None
    assert verification.head == head_of(links)


@pytest.mark.parametrize("tenant", ["default", "other"])
def test_an_entry_cannot_be_passed_off_as_another_tenants(tenant: str) -> None:
    fields = entry(1)
    seal = Seal(1, UUID(fields["id"]), GENESIS, chain.digest(GENESIS, fields))
    moved = fields | {"tenant_id": tenant}
    fault = first_fault([Link(1, moved, seal)])
    assert (fault is None) is (tenant == "default")
