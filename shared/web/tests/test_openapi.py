"""The API documents are valid, complete, and their examples fit their schemas."""

from __future__ import annotations

from typing import Any

from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator, validate


async def test_the_document_is_valid_openapi_3_1(client: Any) -> None:
    document = await (await client.get("/openapi.json")).json()
    validate(document, cls=OpenAPIV31SpecValidator)
    assert set(document["paths"]) == {
        "/api/things",
        "/api/things/{thing_id}",
        "/api/me",
        "/api/fails/{how}",
    }


async def test_a_route_tells_its_input_answers_and_refusals(client: Any) -> None:
    document = await (await client.get("/openapi.json")).json()
    listing = document["paths"]["/api/things"]["get"]
    assert [each["name"] for each in listing["parameters"]] == ["limit", "cursor", "name"]
    assert listing["security"] == [{"bearer": []}]
    show = document["paths"]["/api/things/{thing_id}"]["get"]
    assert set(show["responses"]) == {"200", "400", "401", "403", "404", "503"}
    refused = show["responses"]["404"]["content"]["application/problem+json"]
    assert refused["examples"]["thing_not_found"]["value"]["status"] == 404


async def test_every_example_fits_its_schema(client: Any) -> None:
    document = await (await client.get("/openapi.json")).json()
    examples = list(_examples(document["paths"]))
    assert examples
    for schema, example in examples:
        whole = {**schema, "components": document["components"]}
        OAS31Validator(whole).validate(example)


def _examples(node: Any) -> Any:
    if isinstance(node, dict):
        if "schema" in node and "example" in node:
            yield node["schema"], node["example"]
        for inner in node.values():
            yield from _examples(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from _examples(inner)
