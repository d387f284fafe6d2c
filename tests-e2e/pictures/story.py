"""Three days at a small studio: what was uploaded, given to whom, taken back, and went wrong."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from harness.client import Json
from harness.clips import damage
from harness.product import EMAIL, PASSWORD, Product
from pictures.scenes import SCENES

NAMES = (
    *("Amara Okafor", "Anselm Bauer", "Beatriz Nunes", "Bram de Wit", "Camille Laurent"),
    *("Chidi Eze", "Daria Kowalczyk", "Dilan Yıldız", "Elif Demir", "Emeka Obi"),
    *("Farah Haddad", "Finn Lindqvist", "Gianna Russo", "Hana Sato", "Henrik Olsen"),
    *("Inés Castaño", "Ioana Popescu", "Jonas Weber", "Kaito Mori", "Laleh Rahimi"),
    *("Leon Fischer", "Lucía Moreno", "Malik Traoré", "Mira Novák", "Noor van Dijk"),
    *("Oluwaseun Adeyemi", "Paula Schreiber", "Quentin Roux", "Rania Aziz", "Ravi Menon"),
    *("Sofia Rossi", "Tomasz Zieliński", "Uma Krishnan", "Viktor Hansen", "Wanjiru Kamau"),
    *("Yusuf Karaca", "Zoë Hoffmann"),
)

BEGAN = timedelta(days=-3)


@dataclass
class Studio:
    """Who is there, and what they have to show."""

    product: Product
    assets: dict[str, Json] = field(default_factory=dict)
    people: dict[str, Json] = field(default_factory=dict)

    async def passes(self, **time: float) -> None:
        """Let time pass, but never beyond today."""
        await self.until(self.product.clock.offset + timedelta(**time))

    async def until(self, offset: timedelta) -> None:
        """Go to a moment before now; the session of the moment before may be over there."""
        self.product.clock.offset = min(timedelta(0), offset)
        await self.product.client.log_in(EMAIL, PASSWORD)

    async def give(self, title: str, *names: str) -> Json:
        """Assign an asset, to many at once if they are many."""
        asset, ids = self.assets[title]["id"], [self.people[name]["id"] for name in names]
        client = self.product.client
        if len(ids) == 1:
            path = f"/api/admin/assets/{asset}/assign"
            return await client.post(path, {"user_id": ids[0]}, expect=201)
        bulk = {"asset_id": asset, "user_ids": ids}
        return await client.post("/api/admin/assets/bulk-assign", bulk, expect=201)

    async def take_back(self, operation: Json, way: str, reason: str | None = None) -> None:
        """Undo or revert what was done."""
        path = f"/api/admin/operations/{operation['operation_id']}/{way}"
        await self.product.client.post(path, {"reason": reason} if reason else None, expect=200)


async def happened(product: Product) -> Studio:
    """Let it all happen; the clock of the product begins three days ago."""
    studio, client = Studio(product), product.client
    for name in reversed(NAMES):
        email = f"{name.split()[0].lower()}@studio.example"
        studio.people[name] = await client.create_user(email, name=name)
        await studio.passes(minutes=3)
    await _upload(studio)
    await _work(studio)
    await _go_wrong(studio)
    return studio


async def _upload(studio: Studio) -> None:
    client = studio.product.client
    with tempfile.TemporaryDirectory() as directory:
        for scene in SCENES:
            film = await asyncio.to_thread(scene.film, Path(directory))
            asset = await client.upload(film, title=scene.title)
            studio.assets[scene.title] = asset
            await studio.passes(hours=1, minutes=17)
    for asset in studio.assets.values():
        await client.completed(asset["id"], within=600)


async def _work(studio: Studio) -> None:
    names = list(NAMES)
    mia = "Mira Novák"
    for title in ("Loom", "Silk", "Colony", "Morning haze", "Under the canopy", "Embers"):
        await studio.give(title, mia)
        await studio.passes(hours=2)
    await studio.give("Still water", *names[:24])
    await studio.passes(hours=3)
    wrong = await studio.give("Lantern parade", *names[8:20])
    await studio.passes(seconds=20)
    await studio.take_back(wrong, "undo")
    await studio.passes(hours=1)
    early = await studio.give("Seahorse valley", "Hana Sato")
    await studio.passes(hours=4)
    await studio.take_back(early, "revert", "The licence ends this week")
    await studio.passes(hours=2)
    for name, title in zip(names[24:34], SCENES, strict=False):
        await studio.give(title.title, name)
        await studio.passes(minutes=40)
    await studio.give("Northern lights", mia)
    await studio.passes(minutes=9)
    late = await studio.give("Deep field", mia)
    await studio.passes(minutes=31)
    await studio.take_back(late, "revert", "Asked for something calmer")
    await studio.until(timedelta(minutes=-6))
    await studio.give("Harbour at dusk", *names[:12])
    await studio.until(timedelta(0))


async def _go_wrong(studio: Studio) -> None:
    client = studio.product.client
    missing = "019abc00-0000-7000-8000-000000000000"
    ids = [studio.people[name]["id"] for name in NAMES[:6]]
    asked = {"asset_id": studio.assets["Silk"]["id"], "user_ids": [*ids, missing]}
    await client.post("/api/admin/assets/bulk-assign", asked, expect=400)
    await studio.product.park()
    with tempfile.TemporaryDirectory() as directory:
        film = await asyncio.to_thread(SCENES[0].film, Path(directory), seconds=2)
        film.write_bytes(damage(film.read_bytes()))
        studio.assets["Damaged reel"] = await client.upload(film, title="Damaged reel")
    await _until_failed(studio)


async def _until_failed(studio: Studio) -> None:
    async with asyncio.timeout(120):
        while True:
            asset = await studio.product.client.asset(studio.assets["Damaged reel"]["id"])
            if asset["conversion_status"] == "failed":
                return
            await asyncio.sleep(0.3)
