"""Golden examples: what was once published must be readable for ever."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import UUID

import pytest

from shared.contracts import notifier, topology  # noqa: F401 - importing registers every event
from shared.contracts.envelope import Message, seal, unseal
from shared.contracts.event import Event, all_events

EXAMPLES = Path(__file__).parents[1] / "examples"


def message(path: Path, **more: object) -> Message:
    example = json.loads(path.read_text())
    headers = example["headers"]
    body = json.dumps(example["body"] | more).encode()
    return Message(UUID(headers["ce-id"]), headers["ce-type"].rpartition(".v")[0], headers, body)


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.json")), ids=lambda path: path.stem)
def test_an_example_is_read_and_written_unchanged(path: Path) -> None:
    golden = message(path)

    envelope = unseal(golden)
    again = seal(envelope.event, ident=envelope.id, time=envelope.time, context=envelope.context)

    assert again.headers == golden.headers
    assert set(json.loads(golden.body)) <= set(json.loads(again.body))
    assert unseal(again) == envelope


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.json")), ids=lambda path: path.stem)
def test_a_field_from_the_future_is_ignored(path: Path) -> None:
    assert unseal(message(path, added_next_year=True)) == unseal(message(path))


@pytest.mark.parametrize("event", all_events().values(), ids=lambda event: event.name)
def test_every_event_has_an_example(event: type[Event]) -> None:
    assert (EXAMPLES / f"{event.type()}.json").is_file()
