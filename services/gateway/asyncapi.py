"""AsyncAPI 3.0 of every event: on the bus, and as it is told over the WebSocket.

Made from the registry of events, the table of queues and the golden examples alone: it is the
same whatever is down. Sources: AsyncAPI 3.0.0; its AMQP bindings 0.3.0 and WebSocket bindings
0.1.0.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal

from aiohttp import web
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from services.gateway import asyncapi_words as words
from shared.contracts import (
    notifier,  # noqa: F401 - importing it registers its event
    topology,
)
from shared.contracts.event import Event, all_events
from shared.contracts.socket import (
    TOLD,
    Complaint,
    Hello,
    Said,
    Subscribe,
    Subscribed,
    Unsubscribe,
    Unsubscribed,
)
from shared.contracts.topology import EXCHANGE, QUEUES, Queue
from shared.web.answer import json_response

Document = dict[str, Any]

_EXAMPLES = Path(topology.__file__).parent / "examples"

_SAYS: tuple[type[Said], ...] = (Hello, Subscribed, Unsubscribed, Complaint)
_HEARS: tuple[type[BaseModel], ...] = (Subscribe, Unsubscribe)

_SOCKET = "ws"
_AMQP = {"bindingVersion": "0.3.0"}


async def show(_: web.Request) -> web.Response:
    """The document, to anybody."""
    return json_response(document())


@cache
def document() -> Document:
    """The whole document; whoever changes it changes it for all."""
    events = list(all_events().values())
    return {
        "asyncapi": "3.0.0",
        "info": words.INFO,
        "defaultContentType": "application/json",
        "servers": words.SERVERS,
        "channels": {
            **{event.name: _routing_key(event) for event in events},
            **{queue.name: _queue(queue) for queue in QUEUES},
            _SOCKET: _socket(),
        },
        "operations": {
            **{event.name: _publishing(event) for event in events},
            **{queue.name: _consuming(queue) for queue in QUEUES},
            "ws.hear": _talking("receive", words.HEARING, map(_word_name, _HEARS)),
            "ws.say": _talking("send", words.SAYING, _said()),
        },
        "components": {
            "schemas": _schemas(events),
            "messages": {
                **{event.name: _on_the_bus(event) for event in events},
                **{_told_name(event): _told(event) for event in TOLD},
                **{_word_name(word): _word(word) for word in (*_SAYS, *_HEARS)},
            },
            "messageTraits": {"cloudEvent": words.CLOUD_EVENT},
            "securitySchemes": words.SECURITY,
        },
    }


def _ref(*path: str) -> Document:
    return {"$ref": "/".join(("#", *path))}


def _messages(names: Iterable[str]) -> Document:
    return {name: _ref("components", "messages", name) for name in names}


def _routing_key(event: type[Event]) -> Document:
    return {
        "address": event.name,
        "title": event.name,
        "summary": _sentences(event)[0],
        "servers": [_ref("servers", "bus")],
        "messages": _messages([event.name]),
        "bindings": {"amqp": {"is": "routingKey", "exchange": dict(words.EXCHANGE), **_AMQP}},
    }


def _queue(queue: Queue) -> Document:
    durable = {"name": queue.name, "durable": True, "exclusive": False, "autoDelete": False}
    return {
        "address": queue.name,
        "title": f"The queue {queue.name}",
        "description": words.parking(queue),
        "servers": [_ref("servers", "bus")],
        "messages": _messages(event.name for event in queue.events),
        "bindings": {"amqp": {"is": "queue", "queue": durable, **_AMQP}},
        "x-exchange": EXCHANGE,
        "x-routing-keys": list(queue.bindings),
        "x-parked": queue.parked,
    }


def _publishing(event: type[Event]) -> Document:
    how = {"deliveryMode": 1 if event.transient else 2, "mandatory": not event.transient}
    return {
        "action": "send",
        "channel": _ref("channels", event.name),
        "summary": f"{event.source()} publishes it.",
        "messages": _of_channel(event.name, [event.name]),
        "bindings": {"amqp": {**how, "timestamp": True, **_AMQP}},
    }


def _consuming(queue: Queue) -> Document:
    return {
        "action": "receive",
        "channel": _ref("channels", queue.name),
        "summary": f"{queue.name.partition('.')[0]} consumes it.",
        "messages": _of_channel(queue.name, (event.name for event in queue.events)),
        "bindings": {"amqp": {"ack": True, **_AMQP}},
    }


def _of_channel(channel: str, names: Iterable[str]) -> list[Document]:
    return [_ref("channels", channel, "messages", name) for name in names]


def _on_the_bus(event: type[Event]) -> Document:
    """A message with its golden example."""
    golden = _golden(event)
    return {
        **_described(event, event.name),
        "headers": {"type": "object", "properties": {"ce-type": {"const": event.type()}}},
        "payload": _ref("components", "schemas", event.__name__),
        "correlationId": {"location": "$message.header#/ce-correlationid"},
        "traits": [_ref("components", "messageTraits", "cloudEvent")],
        "bindings": {"amqp": {"messageType": event.type(), **_AMQP}},
        "examples": [{"name": "golden", "headers": golden["headers"], "payload": golden["body"]}],
        "x-transient": event.transient,
    }


def _golden(event: type[Event]) -> Any:
    return json.loads((_EXAMPLES / f"{event.type()}.json").read_text())


def _socket() -> Document:
    return {
        "address": "/ws",
        "title": "Live events for people and programs",
        "description": words.SOCKET,
        "servers": [_ref("servers", "gateway")],
        "messages": _messages([*_said(), *map(_word_name, _HEARS)]),
        "bindings": {"ws": words.HANDSHAKE},
    }


def _talking(action: Literal["send", "receive"], summary: str, names: Iterable[str]) -> Document:
    return {
        "action": action,
        "channel": _ref("channels", _SOCKET),
        "summary": summary,
        "messages": _of_channel(_SOCKET, names),
    }


def _said() -> list[str]:
    return [*map(_word_name, _SAYS), *map(_told_name, TOLD)]


def _word_name(word: type[BaseModel]) -> str:
    return f"{_SOCKET}.{word.__name__.lower()}"


def _told_name(event: type[Event]) -> str:
    return f"{_SOCKET}.{event.name}"


def _word(word: type[BaseModel]) -> Document:
    return {
        **_described(word, _word_name(word)),
        "payload": _ref("components", "schemas", word.__name__),
        "examples": [{"name": "example", "payload": words.SPOKEN[word]}],
    }


def _told(event: type[Event]) -> Document:
    """An event as one frame; where its file lies has become a URL."""
    golden = _golden(event)
    frame = {
        "type": event.name,
        "time": golden["headers"]["ce-time"],
        "data": words.shown(golden["body"], words.URL_EXAMPLE),
    }
    if not event.transient:
        frame = {"offset": 4711, "id": golden["headers"]["ce-id"], **frame}
    return {
        **_described(event, _told_name(event)),
        "payload": _ref("components", "schemas", f"Told{event.__name__}"),
        "examples": [{"name": "frame", "payload": frame}],
        "x-transient": event.transient,
    }


def _described(model: type[BaseModel], name: str) -> Document:
    summary, rest = _sentences(model)
    return {"name": name, "title": model.__name__, "summary": summary} | (
        {"description": rest} if rest else {}
    )


def _sentences(model: type[BaseModel]) -> tuple[str, str]:
    """The first line of the docstring, and the rest."""
    first, _, rest = (model.__doc__ or "").partition("\n")
    return first.strip(), " ".join(rest.split())


def _schemas(events: Sequence[type[Event]]) -> Document:
    """The shapes of all that travels; readers must bear fields that are added later."""
    spoken: Sequence[type[BaseModel]] = (*events, *_SAYS, *_HEARS)
    _, found = models_json_schema(
        [(model, "serialization") for model in spoken],
        ref_template="#/components/schemas/{model}",
    )
    schemas: Document = found["$defs"]
    for schema in schemas.values():
        schema.pop("additionalProperties", None)
    return schemas | {f"Told{event.__name__}": _frame(event, schemas) for event in TOLD}


def _frame(event: type[Event], schemas: Document) -> Document:
    body = schemas[event.__name__]
    data = {
        **body,
        "properties": words.shown(
            body["properties"], {"type": "string", "format": "uri-reference"}
        ),
        "required": ["url" if name == "object_key" else name for name in body["required"]],
    }
    numbered = {} if event.transient else dict(words.NUMBERED)
    properties = {**numbered, "type": {"const": event.name}, **words.TIMED, "data": data}
    return {"type": "object", "properties": properties, "required": list(properties)}
