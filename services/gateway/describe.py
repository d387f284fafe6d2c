"""Writes the API document of all services without starting any of them."""

from __future__ import annotations

import json
from importlib import import_module

from services.gateway import own
from services.gateway.documents import Document, merge
from services.gateway.table import SERVICES
from shared.web import Routes, openapi


def declared(service: str) -> Document:
    """What a service declares; found by name, since no service imports another."""
    members = vars(import_module(f"services.{service}.http")).values()
    return openapi.document(service, [each for each in members if isinstance(each, Routes)])


def whole() -> Document:
    """What ``/openapi.json`` answers once every service is up."""
    return merge(own.document(), {service: declared(service) for service in SERVICES})


if __name__ == "__main__":
    print(json.dumps(whole()))
