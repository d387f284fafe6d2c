"""Whoever runs the installation creates tenants by the command line."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

from harness.cli import Marquee
from harness.product import Product


async def test_a_tenant_is_created_and_its_administrator_signs_in(
    product: Product, tmp_path: Path
) -> None:
    operator = Marquee(product.client.url, tmp_path, product.client.token)
    slug = f"t-{uuid4().hex[:12]}"
    email = f"kim@{slug}.example.com"

    created = await operator("tenants", "create", slug, "--admin", email, "-o", "json")

    assert created.json["id"] == slug
    assert slug in (await operator("tenants", "list", "--query", slug)).out
    again = await operator("tenants", "create", slug, "--admin", f"x{email}", expect=1)
    assert "tenant_exists" in again.told
    kim = Marquee(product.client.url, tmp_path / "kim")
    await kim("login", email, stdin=f"{created.json['admin_password']}\n")
    users = (await kim("users", "list", "-o", "json")).json["items"]
    assert [user["email"] for user in users] == [email]
    refused = await kim("tenants", "list", expect=1)
    assert "status 403" in refused.told
