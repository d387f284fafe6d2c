"""``/asyncapi.json`` is valid AsyncAPI 3.0, whole, and true of what a listener hears."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator, FormatChecker

from harness.client import Client
from harness.product import Product
from services.gateway.asyncapi import document
from shared.contracts.event import all_events
from shared.contracts.topology import QUEUES

_SCHEMAS = Path(__file__).parent / "node_modules" / "@asyncapi" / "specs" / "schemas"

Json = dict[str, Any]


@pytest.fixture(scope="module")
async def published(product: Product) -> Json:
    """The document as anybody gets it, without signing in."""
    stranger = Client(product.client.url, product.client.session)
    return await stranger.get("/asyncapi.json")


def test_it_is_asyncapi_as_its_makers_define_it() -> None:
    schema = json.loads((_SCHEMAS / "3.0.0.json").read_text())
    wrong = Draft7Validator(schema).iter_errors(document())
    assert [f"{error.json_path}: {error.message}" for error in wrong] == []


def test_every_reference_leads_somewhere() -> None:
    for ref in _references(document()):
        assert _at(ref) is not None, ref


def test_every_event_and_every_queue_is_described() -> None:
    channels, operations = document()["channels"], document()["operations"]
    for name in all_events():
        assert channels[name]["address"] == name
        assert operations[name]["action"] == "send"
    for queue in QUEUES:
        assert channels[queue.name]["x-routing-keys"] == list(queue.bindings)
        assert operations[queue.name]["action"] == "receive"


@pytest.mark.parametrize("name", sorted(document()["components"]["messages"]))
def test_the_examples_of_a_message_fit_it(name: str) -> None:
    message = document()["components"]["messages"][name]
    for example in message["examples"]:
        _check(message["payload"], example["payload"])
        if headers := example.get("headers"):
            _check(message["headers"], headers)
            _check(document()["components"]["messageTraits"]["cloudEvent"]["headers"], headers)


async def test_what_a_listener_hears_is_as_described(
    product: Product, clip: Path, published: Json
) -> None:
    """A conversion and an undone assignment, frame by frame."""
    client = product.client
    async with client.socket("assets", "operations", since=0) as socket:
        asset = await client.upload(clip, title="Described")
        await client.completed(asset["id"])
        user = await client.create_user("described@example.com")
        path = f"/api/admin/assets/{asset['id']}"
        await client.post(f"{path}/assign", {"user_id": user["id"]}, expect=201)
        await client.post(f"{path}/undo-assign", expect=200)
        await socket.event("assignment.operation.undone", asset_id=asset["id"])
        await socket.ws.send_json({"action": "dance"})
        await socket.next(lambda frame: frame["type"] == "error")

    kinds = {frame["type"] for frame in socket.seen}
    assert kinds >= {"hello", "converter.asset.progress", "converter.asset.rendition_ready"}
    for frame in socket.seen:
        kind = "complaint" if frame["type"] == "error" else frame["type"]
        _check(published["components"]["messages"][f"ws.{kind}"]["payload"], frame)


def _check(schema: Json, value: Any) -> None:
    whole = {**schema, "components": document()["components"]}
    Draft7Validator(whole, format_checker=FormatChecker()).validate(value)


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(ref := node.get("$ref"), str):
            yield ref
        node = list(node.values())
    if isinstance(node, list):
        for inner in node:
            yield from _references(inner)


def _at(ref: str) -> Any:
    found: Any = document()
    for step in ref.removeprefix("#/").split("/"):
        found = found.get(step, {})
    return found or None
