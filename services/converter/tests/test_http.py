"""Asking for assets over HTTP: one, many, and by whom."""

from __future__ import annotations

from uuid import UUID

from services.converter.tests.asking import ASSETS, SIGNER, Client
from services.converter.tests.conftest import MakeClip
from services.converter.tests.studio import Studio
from shared.runtime.ids import new_id
from shared.testing.callers import signed


async def test_only_administrators_ask(client: Client, studio: Studio, clip: MakeClip) -> None:
    ident = await studio.upload(await clip("silent"))
    for method, path in [("POST", ASSETS), ("GET", ASSETS), ("GET", f"{ASSETS}/{ident}")]:
        async with client.request(method, path, headers=signed("user")) as answer:
            assert answer.status == 403
        async with client.request(method, path, headers={"X-Actor": "forged"}) as answer:
            assert answer.status == 401


async def test_assets_of_others_and_none_are_not_found(
    client: Client, studio: Studio, clip: MakeClip
) -> None:
    ident = await studio.upload(await clip("silent"))
    async with client.get(f"{ASSETS}/{ident}", headers=signed(tenant="elsewhere")) as answer:
        assert (answer.status, (await answer.json())["code"]) == (404, "asset_not_found")
    async with client.get(f"{ASSETS}/{new_id()}") as answer:
        assert answer.status == 404
    async with client.get(f"{ASSETS}/42") as answer:
        assert answer.status == 400


async def test_the_list_is_newest_first_and_pages(
    client: Client, studio: Studio, clip: MakeClip
) -> None:
    film = await clip("silent")
    made = [str(await studio.upload(film)) for _ in range(5)]

    seen: list[str] = []
    cursor: str | None = None
    while True:
        query = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        async with client.get(ASSETS, params=query) as answer:
            page = await answer.json()
        seen += [asset["id"] for asset in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == made[::-1]


async def test_the_list_can_be_narrowed(client: Client, studio: Studio, clip: MakeClip) -> None:
    film = await clip("silent")
    plain, deleted, named = [await studio.upload(film) for _ in range(3)]
    await studio.databases.as_admin(
        "update converter.admin_media_assets set deleted_at = now() where id = $1", deleted
    )
    await studio.databases.as_admin(
        "update converter.admin_media_assets set title = '50%_Off' where id = $1", named
    )

    async def listed(**query: str) -> set[UUID]:
        async with client.get(ASSETS, params=query) as answer:
            assert answer.status == 200
            return {UUID(asset["id"]) for asset in (await answer.json())["items"]}

    assert await listed() == {plain, named}
    assert await listed(deleted="true") == {deleted}
    assert await listed(status="pending") == {plain, named}
    assert await listed(status="failed") == set()
    assert await listed(query="50%_o") == {named}
    assert await listed(query="0%O") == set()
    async with client.get(f"{ASSETS}/{deleted}") as answer:
        assert answer.status == 404
    async with client.get(f"{ASSETS}/{deleted}?deleted=true") as answer:
        assert answer.status == 200
    for wrong in ({"status": "odd"}, {"limit": "0"}, {"limit": "501"}, {"cursor": "x"}):
        async with client.get(ASSETS, params=wrong) as answer:
            assert answer.status == 400


async def test_urls_lead_to_the_renditions_and_stay_the_same(
    client: Client, studio: Studio, clip: MakeClip
) -> None:
    ident = await studio.upload(await clip("sound"))
    await studio.work()
    shown = []
    for _ in range(2):
        async with client.get(f"{ASSETS}/{ident}") as answer:
            shown.append(await answer.json())
    assert shown[0] == shown[1]
    key = SIGNER.check(shown[0]["gif_url"])
    assert key in await studio.keys()
