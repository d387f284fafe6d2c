"""Media of twins: one object behind them, and yet each asset has URLs of its own."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from harness.journey import RENDITIONS
from harness.product import Product


async def test_twins_share_objects_and_no_urls(product: Product, clip: Path) -> None:
    client = product.client
    twins = [await client.upload(clip) for _ in range(2)]
    one, other = [await client.completed(each["id"]) for each in twins]
    for name in RENDITIONS:
        urls = [each[f"{name}_url"] for each in (one, other)]
        for asset, stranger, url in zip((one, other), (other, one), urls, strict=True):
            stem, _, suffix = urlsplit(url).path.rpartition(".")
            assert stem == f"/media/{asset['id']}/{name}"
            assert suffix in ("jpg", "gif", "mp4", "webm")
            assert stranger["id"] not in url
        answers = [await client.fetch(url) for url in urls]
        assert [answer[0] for answer in answers] == [200, 200]
        assert answers[0][1] == answers[1][1]
    crossed = one["webm_url"].replace(one["id"], other["id"])
    assert (await client.fetch(crossed))[0] == 403
