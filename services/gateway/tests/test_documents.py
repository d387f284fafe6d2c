"""The API documents are one valid document of what is admitted, readable offline; and health."""

from __future__ import annotations

from typing import Any

from openapi_spec_validator import OpenAPIV31SpecValidator, validate

from services.gateway.documents import merge
from services.gateway.tests.house import House


async def test_the_merged_document_is_valid(house: House) -> None:
    document = await (await house.client.get("/openapi.json")).json()
    validate(document, cls=OpenAPIV31SpecValidator)
    assert {"/media/{path}", "/problems/{code}", "/livez", "/docs"} <= document["paths"].keys()


def test_schemas_of_one_name_are_told_apart() -> None:
    merged = merge(
        _describing("/healthy", {"type": "object"}),
        {
            "identity": _describing("/api/admin/users", {"type": "string"}),
            "audit": _describing("/api/admin/audit", {"type": "string"}),
            "notifier": _describing("/api/admin/events", {"type": "integer"}),
        },
    )
    used = {path: each["get"]["responses"]["200"] for path, each in merged["paths"].items()}
    assert used == {
        "/healthy": {"$ref": "#/components/schemas/User"},
        "/api/admin/users": {"$ref": "#/components/schemas/IdentityUser"},
        "/api/admin/audit": {"$ref": "#/components/schemas/AuditUser"},
        "/api/admin/events": {"$ref": "#/components/schemas/NotifierUser"},
    }
    assert merged["components"]["schemas"]["NotifierUser"] == {"type": "integer"}


def test_what_is_not_admitted_is_not_described() -> None:
    hidden = _describing("/internal/users", {"type": "string"})
    assert merge(_describing("/own", {}), {"identity": hidden})["paths"].keys() == {"/own"}


def _describing(path: str, user: Any) -> Any:
    answer = {"$ref": "#/components/schemas/User"}
    return {
        "openapi": "3.1.0",
        "paths": {path: {"get": {"responses": {"200": answer}}}},
        "components": {"schemas": {"User": user}},
    }


async def test_the_page_needs_nothing_from_elsewhere(house: House) -> None:
    page = await house.client.get("/docs")
    text = await page.text()
    policy = page.headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "//" not in text.replace("<!doctype html>", "")
    for name in ("swagger-ui.css", "swagger-ui-bundle.js", "start.js"):
        assert f"/docs/{name}" in text
        assert (await house.client.get(f"/docs/{name}")).status == 200


async def test_the_type_of_a_problem_leads_to_its_meaning(house: House) -> None:
    for path, code in (("/nowhere", "not_found"), ("/media/x", "forged_url")):
        refused = await (await house.client.get(path)).json()
        meaning = await (await house.client.get(refused["type"])).json()
        assert (meaning["code"], meaning["title"]) == (code, refused["title"])
    assert (await house.client.get("/problems/none")).status == 404


async def test_a_service_that_is_down_degrades_and_is_named(house: House, nowhere: str) -> None:
    told = await (await house.client.get("/readyz")).json()
    assert told == {"status": "ok", "down": []}
    house.peers["converter"] = nowhere
    answer = await house.client.get("/readyz?verbose")
    told = await answer.json()
    assert (answer.status, told["status"], told["down"]) == (200, "degraded", ["converter"])
