"""First light on the embedded parts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.journey import travel
from harness.product import ADMINISTRATOR, Product


async def test_one_upload_travels_the_whole_way(product: Product, clip: Path) -> None:
    await travel(product.client, clip, product.pass_window)


@pytest.mark.usefixtures("product")
def test_what_the_product_was_started_with_is_not_in_the_way_of_other_tests() -> None:
    assert not ADMINISTRATOR.keys() & os.environ.keys()
