"""First light on the embedded parts."""

from __future__ import annotations

from pathlib import Path

from harness.journey import travel
from harness.product import Product


async def test_one_upload_travels_the_whole_way(product: Product, clip: Path) -> None:
    await travel(product.client, clip, product.pass_window)
