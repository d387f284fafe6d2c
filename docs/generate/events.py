"""``docs/events.md``: every event, from the AsyncAPI document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from docs.generate.markdown import anchor, block, fields, prose, table
from services.gateway.asyncapi import document
from shared.contracts.event import all_events
from shared.contracts.socket import TOLD
from shared.contracts.topology import EXCHANGE, QUEUES, RETRY_DELAYS

Json = dict[str, Any]

_INTRODUCTION = """\
# Events

Made by `make docs` from the AsyncAPI document, which a running gateway serves at `/asyncapi.json`
(AsyncAPI 3.0, no login). How to follow events is shown in
[follow events live](how-to/follow-events.md).

"""


def page() -> str:
    """The page."""
    described = document()
    messages, schemas = described["components"]["messages"], described["components"]["schemas"]
    known = {event.__name__: f"#{anchor(event.name)}" for event in all_events().values()}
    return "\n".join(
        [
            _INTRODUCTION + prose(described["info"]["description"]) + "\n",
            _contents(),
            _socket(described, known),
            _bus(described),
            "## Every event\n",
            *(
                _event(messages[name], schemas[event.__name__], known)
                for name, event in all_events().items()
            ),
        ]
    )


def _contents() -> str:
    """All events, and who hears of them."""
    return table(
        ("event", "queues it goes to", "on the WebSocket"),
        (
            (
                f"[`{name}`](#{anchor(name)})",
                ", ".join(f"`{queue.name}`" for queue in QUEUES if event in queue.events)
                or "none: told to whoever listens now",
                "yes" if event in TOLD else "",
            )
            for name, event in all_events().items()
        ),
    )


def _socket(described: Json, known: Mapping[str, str]) -> str:
    """The talk on a WebSocket."""
    messages, schemas = described["components"]["messages"], described["components"]["schemas"]
    parts = ["## The WebSocket\n", prose(described["channels"]["ws"]["description"]) + "\n"]
    for operation in ("ws.hear", "ws.say"):
        parts.append(described["operations"][operation]["summary"] + "\n")
        for ref in described["operations"][operation]["messages"]:
            name = ref["$ref"].rpartition("/")[2]
            if messages[name]["title"] in known:
                continue
            schema = schemas[messages[name]["title"]]
            parts += [f"### {messages[name]['title']}\n", _told(messages[name])]
            parts += [fields(schema, known), block(messages[name]["examples"][0]["payload"])]
    parts.append("An event is a frame like this; `data` is what it says below:\n")
    parts.append(block(messages["ws.assignment.asset.assigned"]["examples"][0]["payload"]))
    parts.append(
        "Where an event on the bus names an `object_key`, `data` has a `url` that works for an "
        "hour or two. Transient events have neither `offset` nor `id`.\n"
    )
    return "\n".join(parts)


def _bus(described: Json) -> str:
    """Exchange, queues and headers."""
    headers = described["components"]["messageTraits"]["cloudEvent"]["headers"]
    delays = ", ".join(f"{delay} s" for delay in RETRY_DELAYS)
    return "\n".join(
        [
            "## The bus\n",
            f"One durable topic exchange, `{EXCHANGE}`; the routing key is the event's name. Every "
            "message is persistent, mandatory and confirmed. A consumer that fails is tried again "
            f"after {delays}; then the message is parked in the queue of the same name with "
            "`.parked` behind it. Without a broker the same queues are rows of the embedded "
            "database.\n",
            table(
                ("queue", "routing keys"),
                ((f"`{q.name}`", ", ".join(f"`{key}`" for key in q.bindings)) for q in QUEUES),
            ),
            "Headers, as CloudEvents 1.0 has them in binary content mode:\n",
            fields(headers, {}),
        ]
    )


def _event(message: Json, schema: Json, known: Mapping[str, str]) -> str:
    golden = message["examples"][0]
    transient = "It is transient: not stored, not audited, not sent again.\n"
    parts = [
        f"### {message['name']}\n",
        _told(message),
        transient if message["x-transient"] else "",
        fields(schema, known),
        block({"headers": golden["headers"], "body": golden["payload"]}),
    ]
    return "\n".join(part for part in parts if part)


def _told(message: Json) -> str:
    return prose(f"{message['summary']} {message.get('description', '')}") + "\n"
