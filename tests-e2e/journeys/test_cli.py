"""The command line does what the front end does, and says in words what it cannot do."""

from __future__ import annotations

import asyncio
from pathlib import Path
from uuid import uuid4

import pytest

from harness.cli import Marquee
from harness.fleet import free_port
from harness.product import EMAIL, PASSWORD, Product
from shared.runtime.ids import new_id


@pytest.fixture
def marquee(product: Product, tmp_path: Path) -> Marquee:
    """An administrator."""
    return Marquee(product.client.url, tmp_path, product.client.token)


def address() -> str:
    return f"u-{uuid4().hex[:12]}@example.com"


async def test_who_signs_in_needs_no_token(product: Product, tmp_path: Path) -> None:
    marquee = Marquee(product.client.url, tmp_path)
    refused = await marquee("users", "list", expect=1)
    assert "marquee login" in refused.told
    wrong = await marquee("login", EMAIL, stdin="guessed\n", expect=1)
    assert "does not know this address with this password" in wrong.told

    await marquee("login", EMAIL, stdin=f"{PASSWORD}\n")

    [logins] = tmp_path.rglob("logins.json")
    assert logins.stat().st_mode & 0o777 == 0o600
    assert (await marquee("users", "list", "-o", "json")).json["items"]
    await marquee("logout")
    await marquee("users", "list", expect=1)


async def test_a_printed_token_is_all_that_is_printed(product: Product, tmp_path: Path) -> None:
    marquee = Marquee(product.client.url, tmp_path)
    password = tmp_path / "password"
    password.write_text(PASSWORD + "\n")
    printed = await marquee("login", EMAIL, "--print", "--password-file", password)
    token = tmp_path / "token"
    token.write_text(printed.out)
    assert (await marquee("users", "list", MARQUEE_TOKEN_FILE=str(token))).out
    assert not list(tmp_path.rglob("logins.json"))


async def test_users_are_created_and_listed(marquee: Marquee) -> None:
    email = address()
    created = (await marquee("users", "create", email, "--name", "[red]Mia", "-o", "json")).json
    listed = await marquee("users", "list", "--query", email)
    assert all(word in listed.out for word in (created["id"], email, "[red]Mia"))
    page = (await marquee("users", "list", "--limit", 1, MARQUEE_OUTPUT="json")).json
    assert len(page["items"]) == 1

    again = await marquee("users", "create", email, expect=1)

    assert "There is already a user" in again.told
    assert "email_taken, status 409, trace " in again.told
    assert again.out == ""
    wrong = await marquee("users", "create", "nobody", "-o", "json", expect=1)
    assert "email: " in wrong.told


async def test_an_asset_from_upload_to_deletion(marquee: Marquee, clip: Path) -> None:
    done = await marquee("assets", "upload", clip, "--title", "Aurora", "--wait", "-o", "json")
    [item] = done.json["items"]
    ident = item["asset"]["id"]
    assert (item["file"], item["error"]) == (str(clip), None)
    assert item["asset"]["conversion_status"] == "completed"
    assert "as asset" in done.told
    assert f"{clip.name}: completed" in done.told
    assert "Aurora" in (await marquee("assets", "list", "--query", "Aurora")).out
    shown = await marquee("assets", "show", ident)
    assert f"{marquee.url}/media/" in shown.out

    first, second = address(), address()
    for email in (first, second):
        await marquee("users", "create", email)
    given = await marquee("assign", ident, first, "-o", "json")
    assert given.json["asset_id"] == ident
    plan = await marquee("undo", ident, "--dry-run", "-o", "json")
    assert (plan.json["dry_run"], len(plan.json["restored"])) == (True, 1)
    undone = await marquee("undo", given.json["operation_id"], "-o", "json")
    assert (undone.json["dry_run"], len(undone.json["restored"])) == (False, 1)
    nothing = await marquee("undo", ident, expect=1)
    assert "could be undone" in nothing.told

    users = marquee.home / "users.txt"
    users.write_text(f"# everybody\n{first.upper()}\n\n{second}  # and me\n{first}\n")
    bulk = await marquee("assign", ident, "--file", users, "-o", "json")
    assert bulk.json["successful_count"] == 2
    in_use = await marquee("assets", "delete", ident, expect=1)
    assert "status 409" in in_use.told
    assert "2 assignments were undone." in (await marquee("undo", ident)).out
    gone = await marquee("assets", "delete", ident, "--yes", "-o", "json")
    assert gone.json["deleted_at"]
    await marquee("assets", "show", ident, expect=1)


async def test_nobody_gets_what_somebody_cannot_have(
    product: Product, marquee: Marquee, clip: Path
) -> None:
    asset = await product.client.completed((await product.client.upload(clip))["id"])
    email, stranger = address(), new_id()
    user = await product.client.create_user(email)
    unknown = await marquee("assign", asset["id"], email, "nobody@example.com", expect=1)
    assert "nobody@example.com" in unknown.told
    refused = await marquee(
        "assign", asset["id"], "--file", "-", stdin=f"{email}\n{stranger}\n", expect=1
    )
    assert f"{stranger}: " in refused.told
    held = await product.client.get(f"/api/admin/users/{user['id']}/assignment")
    assert held["assignment"] is None
    await marquee("assign", asset["id"], expect=2)


async def test_a_person_is_asked_before_something_is_taken_back(
    product: Product, marquee: Marquee, clip: Path
) -> None:
    asset = await product.client.completed((await product.client.upload(clip))["id"])
    user = await product.client.create_user(address())
    assign = f"/api/admin/assets/{asset['id']}/assign"
    await product.client.post(assign, {"user_id": user["id"]}, expect=201)
    refused = await marquee.at_terminal("undo", asset["id"], typed="n\n")
    assert (refused.code, refused.out) == (1, "")
    assert "The assignment would be undone. Go on?" in refused.told
    done = await marquee.at_terminal("undo", asset["id"], "--yes")
    assert (done.code, "was undone" in done.out) == (0, True)


async def test_conversions_are_cancelled_and_tried_again(
    product: Product, marquee: Marquee, clip: Path
) -> None:
    film = marquee.home / "own.mp4"
    film.write_bytes(clip.read_bytes() + (64).to_bytes(4) + b"free" + uuid4().bytes + bytes(40))
    asset = await product.client.upload(film)
    cancelled = await marquee("assets", "cancel", asset["id"], "-o", "json")
    assert cancelled.json["conversion_error_code"] == "cancelled"
    assert (await marquee("assets", "retry", asset["id"], "-o", "json")).json["id"] == asset["id"]
    await product.client.completed(asset["id"])
    refused = await marquee("assets", "retry", asset["id"], expect=1)
    assert "status 409" in refused.told


async def test_of_several_files_the_good_ones_are_uploaded(marquee: Marquee, clip: Path) -> None:
    notes = marquee.home / "notes.mp4"
    notes.write_text("no video at all")
    files = (clip, notes, marquee.home / "nothing.mp4")
    done = await marquee("assets", "upload", *files, "-o", "json", expect=1)
    items = done.json["items"]
    assert [bool(item["asset"]) for item in items] == [True, False, False]
    assert [item["error"] and item["error"]["code"] for item in items] == [
        None,
        "not_iso_media",
        None,
    ]
    assert "No such file" in done.told
    both = await marquee("assets", "upload", clip, notes, "--title", "One", expect=2)
    assert "--title" in both.told


async def test_the_trail_is_taken_away_and_verified(
    product: Product, marquee: Marquee, tmp_path: Path
) -> None:
    user = await product.client.create_user(address())
    file, key = tmp_path / "trail.jsonl", tmp_path / "key"
    await marquee("audit", "export", file)
    answer = await product.client.get("/.well-known/audit-key")
    key.write_text(answer["public_key"])
    sound = await marquee("audit", "verify", file, "--key", key, "-o", "json", MARQUEE_URL="-")
    assert sound.json["ok"]
    assert sound.json["complete"]
    part = await marquee("audit", "export", "--action", "user_created", "--format", "csv")
    assert user["id"] in part.out
    assert (await marquee("audit", "verify", "-o", "json")).json["ok"]
    file.write_text(file.read_text().replace("user_created", "user_removed", 1))
    forged = await marquee("audit", "verify", file, "--key", key, "-o", "json", expect=1)
    assert forged.json["first_bad_line"] >= 1
    refused = await marquee("audit", "export", file, "--action", "guessed", expect=1)
    assert "action: " in refused.told
    assert "user_removed" in file.read_text()


async def test_wrong_usage_and_absent_servers(tmp_path: Path) -> None:
    nowhere = Marquee(f"http://127.0.0.1:{free_port()}", tmp_path, "a-token")
    away = await nowhere("assets", "list", expect=1)
    assert f"Nothing answers at {nowhere.url}" in away.told
    await nowhere("assets", "list", expect=2, MARQUEE_URL="127.0.0.1:8080")
    await nowhere("assets", "list", "--output", "xml", expect=2)
    await nowhere("assets", "lost", expect=2)
    bad = await Marquee(nowhere.url, tmp_path, "two words")("assets", "list", expect=2)
    assert "MARQUEE_TOKEN" in bad.told


async def test_help_and_version(tmp_path: Path) -> None:
    marquee = Marquee("http://127.0.0.1:1", tmp_path)
    shown = (await marquee("--help", NO_COLOR="1")).out
    verbs = "start migrate backup restore login assets users tenants assign undo"
    verbs += " audit parked resync doctor"
    assert all(f" {name} " in shown for name in verbs.split())
    assert all(name in shown for name in ("gateway", "converter-worker", "notifier"))
    assert (await marquee("--version")).out.startswith("marquee ")
    assert "_COMPLETE" in (await marquee("--show-completion", "bash")).out


async def test_a_reader_who_leaves_is_no_error(product: Product, marquee: Marquee) -> None:
    for number in range(60):
        await product.client.create_user(f"{number}-{address()}")
    process = await marquee.start("users", "list", "--all", "-o", "json")
    assert process.stdout is not None
    process.stdout._transport.close()  # type: ignore[attr-defined]
    _, told = await asyncio.wait_for(process.communicate(), 60)
    assert told == b""
