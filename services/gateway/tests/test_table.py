"""What is admitted exists, and what exists for the outside is admitted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp import hdrs
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator, validate

from services.gateway import own
from services.gateway.console import PAGES
from services.gateway.describe import declared
from services.gateway.documents import merge, shape
from services.gateway.table import ADMITTED, SERVICES
from services.gateway.tests.house import House
from shared.web.idempotency import HEADER


def _described(service: str) -> dict[tuple[str, str], Any]:
    paths = declared(service)["paths"]
    return {
        (method.upper(), shape(path)): operation["x-access"]
        for path, operations in paths.items()
        for method, operation in operations.items()
    }


@pytest.mark.parametrize("service", SERVICES)
def test_the_table_says_what_the_services_say(service: str) -> None:
    outside = {key: access for key, access in _described(service).items() if access != "internal"}
    admitted = {
        (each.method, shape(each.path)): each.access for each in ADMITTED if each.service == service
    }
    assert admitted == outside


async def test_what_the_gateway_answers_is_described_or_a_page(house: House) -> None:
    """No route can be added of which the document, and every test of access, knows nothing."""
    document = merge(own.document(), {name: declared(name) for name in SERVICES})
    described = {
        (method.upper(), shape(path))
        for path, operations in document["paths"].items()
        for method in operations
    }
    groups = house.service.routes
    routes = {(each.method, each.path) for group in groups for each in group.plain}
    routes |= {(each.method, each.path) for group in groups for each in group.declared}
    answered = {
        (method, shape(path))
        for method, path in routes
        if method != hdrs.METH_ANY  # refuses whatever the others do not take
    }
    pages = {shape(path) for path in PAGES} | {"/docs/{}", "/static/{}"}
    assert answered - described == {("GET", path) for path in pages}
    of_every_service = {("GET", path) for path in ("/livez", "/readyz", "/metrics")}
    assert described - answered == of_every_service


@pytest.mark.parametrize("service", SERVICES)
def test_every_post_but_signing_in_honours_an_idempotency_key(service: str) -> None:
    heedless = {
        path
        for path, operations in declared(service)["paths"].items()
        if (post := operations.get("post")) and HEADER not in _parameters(post)
        if post["x-access"] != "internal" and not path.startswith("/api/auth/")
        if "X-HTTP-Method-Override" not in _parameters(post)  # a PATCH or DELETE by another name
    }
    assert heedless == set()


def _parameters(operation: Any) -> set[str]:
    return {parameter["name"] for parameter in operation["parameters"]}


@pytest.mark.parametrize("service", SERVICES)
def test_the_documents_are_valid_and_their_examples_fit(service: str) -> None:
    document = declared(service)
    validate(document, cls=OpenAPIV31SpecValidator)
    for schema, example in _examples(document["paths"]):
        whole = {**schema, "components": document["components"]}
        OAS31Validator(whole).validate(example)


def test_what_is_limited_says_so() -> None:
    merged = merge(own.document(), {"converter": declared("converter")})
    assert "429" in merged["paths"]["/api/admin/assets"]["post"]["responses"]
    assert "429" not in merged["paths"]["/api/admin/assets"]["get"]["responses"]


def _examples(node: Any) -> Iterator[tuple[Any, Any]]:
    inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    if isinstance(node, dict) and {"schema", "example"} <= node.keys():
        yield node["schema"], node["example"]
    for each in inner:
        yield from _examples(each)
