"""One release back and forth: what each of two versions publishes, the other reads.

``released.jsonl`` has what the version published that was released last, an event a line: the
examples of then. It is written anew when a version is released, and never otherwise.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from shared.contracts import notifier, topology  # noqa: F401 - importing registers every event
from shared.contracts.event import all_events, event_of_type

HERE = Path(__file__).parent
RELEASED = {
    (example := json.loads(line))["headers"]["ce-type"]: example["body"]
    for line in (HERE / "released.jsonl").read_text().splitlines()
}
EXAMPLES = {
    path.stem: json.loads(path.read_text())["body"]
    for path in (HERE.parent / "examples").glob("*.json")
}


def unreadable(old: Any, new: Any, place: str = "") -> list[str]:
    """What a reader of ``old`` would miss in ``new``, or find to be of another kind."""
    if isinstance(old, dict) and isinstance(new, dict):
        lost = [f"{place}/{name}" for name in old.keys() - new.keys()]
        kept = sorted(old.keys() & new.keys())
        return sorted(lost) + [
            each for name in kept for each in unreadable(old[name], new[name], f"{place}/{name}")
        ]
    if isinstance(old, list) and isinstance(new, list) and old and new:
        return unreadable(old[0], new[0], f"{place}/0")
    may_be_missing = old is None or new is None
    return [] if may_be_missing or type(old) is type(new) else [place]


@pytest.mark.parametrize("name", sorted(RELEASED))
def test_what_was_published_before_is_read(name: str) -> None:
    read = event_of_type(name).read(json.dumps(RELEASED[name]).encode())
    assert unreadable(RELEASED[name], json.loads(read.body())) == []


@pytest.mark.parametrize("name", sorted(RELEASED))
def test_what_is_published_is_read_by_the_version_before(name: str) -> None:
    assert unreadable(RELEASED[name], EXAMPLES[name]) == []


def test_no_event_was_taken_away() -> None:
    assert RELEASED.keys() <= {event.type() for event in all_events().values()}


@pytest.mark.parametrize(
    ("new", "lost"),
    [
        ({"a": 1, "b": {"c": "x"}, "d": [1], "e": 1}, []),
        ({"a": 1, "b": {}, "d": [1]}, ["/b/c"]),
        ({"b": {"c": "x"}, "d": [1]}, ["/a"]),
        ({"a": "1", "b": {"c": "x"}, "d": ["1"]}, ["/a", "/d/0"]),
    ],
)
def test_it_is_seen_what_would_not_be_read(new: Any, lost: list[str]) -> None:
    assert unreadable({"a": 1, "b": {"c": "x"}, "d": [1]}, new) == lost
