"""What the AsyncAPI document says in words: addresses, headers, and the talk on a WebSocket."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from shared.contracts.socket import (
    CLOSE_CODES,
    Complaint,
    Hello,
    Subscribe,
    Subscribed,
    Unsubscribe,
    Unsubscribed,
)
from shared.contracts.topology import EXCHANGE as EXCHANGE_NAME
from shared.contracts.topology import RETRY_DELAYS, Queue

INFO = {
    "title": "Marquee events",
    "version": "1",
    "description": (
        "Every fact that one service tells the others over the bus, and what of it people are "
        "told at once over the WebSocket. Bodies are JSON without URLs or secrets. Changes are "
        "additive: ignore fields you do not know. A breaking change would be a new type beside "
        "the old one, with the next major version at its end."
    ),
}

SERVERS = {
    "bus": {
        "host": "{host}",
        "protocol": "amqp",
        "protocolVersion": "0.9.1",
        "description": "RabbitMQ, as named by MARQUEE_AMQP_URL. Without it there is no broker: "
        "events then travel within the one process.",
        "variables": {"host": {"default": "127.0.0.1:5672"}},
        "security": [{"$ref": "#/components/securitySchemes/broker"}],
    },
    "gateway": {
        "host": "{host}",
        "protocol": "ws",
        "description": "The gateway; wss wherever it is reached over TLS.",
        "variables": {"host": {"default": "127.0.0.1:8080"}},
        "security": [
            {"$ref": f"#/components/securitySchemes/{name}"}
            for name in ("bearer", "session", "ticket")
        ],
    },
}

SECURITY = {
    "broker": {"type": "userPassword", "description": "The account in MARQUEE_AMQP_URL."},
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "A token of POST /api/auth/login, or an API key.",
    },
    "session": {
        "type": "httpApiKey",
        "in": "cookie",
        "name": "marquee_session",
        "description": "The cookie of a signed-in browser, from pages of allowed origins only; "
        "over TLS it is called __Host-marquee_session.",
    },
    "ticket": {
        "type": "httpApiKey",
        "in": "query",
        "name": "ticket",
        "description": "A ticket of POST /api/auth/ws-ticket: good once, for 30 seconds.",
    },
}

EXCHANGE = {"name": EXCHANGE_NAME, "type": "topic", "durable": True, "autoDelete": False}


def parking(queue: Queue) -> str:
    """How a queue keeps what its consumer cannot handle."""
    *some, last = (f"{delay} s" for delay in RETRY_DELAYS)
    return (
        f"A durable quorum queue bound to {EXCHANGE_NAME} by its routing keys. What cannot be "
        f"handled is tried again after {', '.join(some)} and {last}, then parked in "
        f"{queue.parked}. Messages may come more than once: tell them apart by ce-id."
    )


_TEXT = {"type": "string"}
_UUID = {"type": "string", "format": "uuid"}
_TIME = {"type": "string", "format": "date-time"}

_HEADERS: dict[str, tuple[dict[str, str], str]] = {
    "ce-specversion": ({"const": "1.0"}, "CloudEvents 1.0, binary content mode."),
    "ce-id": (_UUID, "The event's id; AMQP's message_id is the same."),
    "ce-type": (_TEXT, "The event's name and major version, as converter.asset.uploaded.v1."),
    "ce-source": (_TEXT, "The publishing service, as /marquee/converter."),
    "ce-time": (_TIME, "When it happened: UTC with six decimals and Z."),
    "ce-subject": (_TEXT, "The id of what the fact is about."),
    "ce-tenantid": (_TEXT, "Whose data it is."),
    "ce-actor": (_TEXT, "Who did it: user:ID, key:ID or system."),
    "ce-correlationid": (_TEXT, "The request in which the story began (X-Request-ID)."),
    "ce-causationid": (_UUID, "The event that led to this one."),
    "traceparent": (_TEXT, "W3C Trace Context."),
}
_SOMETIMES = ("ce-correlationid", "ce-causationid", "traceparent")

CLOUD_EVENT = {
    "contentType": "application/json",
    "headers": {
        "type": "object",
        "properties": {
            name: {**shape, "description": told} for name, (shape, told) in _HEADERS.items()
        },
        "required": [name for name in _HEADERS if name not in _SOMETIMES],
    },
}

HEARING = "What a listener may say."
SAYING = "What a listener hears: the answers to what it said, and every event it follows."

SOCKET = """\
The server says hello; the listener subscribes to topics; every event of them is one text frame.

Topics: `assets` (all that happens to assets), `asset:ID`, `user:ID`, `operations`. Administrators
follow anything in their tenant, others only their own `user:ID`.

Offsets count 1, 2, 3 ... within an epoch. After a break, subscribe with the last `offset` seen as
`since` and with the `epoch` of the greeting it came under: what was missed follows. Events can be
had again for at least 10 minutes, and the newest 10,000 of a tenant for longer. If the answer says
`recovered: false`, load afresh what you show. Transient events have no offset and do not come
again.

The server closes with these codes:

""" + "\n".join(f"- {code}: {meaning}" for code, meaning in CLOSE_CODES.items())

HANDSHAKE = {
    "method": "GET",
    "query": {
        "type": "object",
        "properties": {
            "ticket": {**_TEXT, "description": "In place of the header or the cookie."},
            "since": {"type": "integer", "minimum": 0, "description": "The last offset seen."},
            "epoch": {**_UUID, "description": "The epoch it was seen under."},
        },
    },
    "bindingVersion": "0.1.0",
}

_EPOCH = "0192e4a0-0000-7000-8000-00000000e90c"
_TOPICS = ["assets", "operations"]

SPOKEN: Mapping[type[BaseModel], dict[str, Any]] = {
    Hello: {"type": "hello", "epoch": _EPOCH, "offset": 4711, "recovered": False},
    Subscribe: {"action": "subscribe", "topics": _TOPICS, "since": 4700, "epoch": _EPOCH},
    Subscribed: {"type": "subscribed", "topics": _TOPICS, "recovered": True},
    Unsubscribe: {"action": "unsubscribe", "topics": ["operations"]},
    Unsubscribed: {"type": "unsubscribed", "topics": ["operations"]},
    Complaint: {"type": "error", "code": "invalid_topic", "detail": "not a topic: 'weather'"},
}
"""An example of each word."""

NUMBERED = {
    "offset": {"type": "integer", "description": "Its number in the tenant's stream."},
    "id": {**_UUID, "description": "The event's id, as on the bus."},
}
TIMED = {"time": _TIME}

URL_EXAMPLE = "/media/default/4f/4f2a.mp4?expires=1772373600&signature=9b1c"


def shown(members: Mapping[str, Any], url: Any) -> dict[str, Any]:
    """The members that people are told: where a file is stored becomes a URL that works."""
    told = {name: value for name, value in members.items() if name != "object_key"}
    return told | ({"url": url} if "object_key" in members else {})
