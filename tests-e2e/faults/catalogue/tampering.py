"""Somebody with every right changes the trail."""

from __future__ import annotations

from faults import ledger
from faults.fault import Fault, Scene
from faults.ledger import Ledger
from harness.client import Client
from harness.product import PASSWORD
from harness.waiting import eventually

_TABLES = ("assignment_history", "history_seals", "history_blocks", "checkpoints")
_PEOPLE = 6
_SIGNED = 30.0
"""Seconds until a checkpoint covers what was done; here they are made every five."""


async def tamper(scene: Scene) -> None:
    """Edit, delete, swap, insert, cut off the end, restore an old backup: as the superuser.

    Survived by: the hash chain; and for what is cut off, by the signed checkpoints that are kept
    in the store, where the database's superuser cannot reach.
    """
    tenant, client = await _tenant(scene)
    async with ledger.opened(scene.site) as books:
        size = await _signed(books, tenant, client)
        await _save(books, tenant)
        at = scene.random.randint(2, size - 2)
        for name, (change, first_bad) in _changes(at, size).items():
            await books.force(*(each.replace("$1", f"'{tenant}'") for each in change))
            verdict = await client.get("/api/admin/audit/verify")
            found = (verdict["ok"], verdict["first_bad"])
            scene.expect(found == (False, first_bad), f"I4: {name}: {found}, not {first_bad}")
            await _restore(books, tenant)
        verdict = await client.get("/api/admin/audit/verify")
        scene.expect(verdict["ok"], f"I4: as it was, it does not verify: {verdict}")


def _changes(at: int, size: int) -> dict[str, tuple[list[str], int]]:
    """What is done, in SQL with the tenant as ``$1``; and which entry is to be named."""
    of = f"where tenant_id = $1 and seq = {at}"
    cut = [
        f"delete from audit.history_seals where tenant_id = $1 and seq > {size - 2}",
        f"delete from audit.assignment_history where tenant_id = $1 and seq > {size - 2}",
    ]
    forget = [
        f"delete from audit.checkpoints where tenant_id = $1 and size > {size - 2}",
        "delete from audit.history_blocks where tenant_id = $1",
    ]
    return {
        "an edit": ([f"update audit.assignment_history set reason = 'agreed' {of}"], at),
        "a deletion": (
            [
                f"delete from audit.{table} {of}"
                for table in ("history_seals", "assignment_history")
            ],
            at,
        ),
        "a swap": (
            [
                f"update audit.assignment_history set seq = {to}"
                f" where tenant_id = $1 and seq = {was}"
                for was, to in ((at, 1000), (at + 1, at), (1000, at + 1))
            ],
            at,
        ),
        "an insertion": (
            [
                "create temp table copied on commit drop as"
                f" select * from audit.assignment_history {of};"
                " update copied set id = gen_random_uuid(), event_id = gen_random_uuid(),"
                f" seq = {size + 1};"
                " insert into audit.assignment_history select * from copied"
            ],
            size + 1,
        ),
        "a tail cut off": (cut, size - 1),
        "an old backup": ([*cut, *forget], size - 1),
    }


async def _tenant(scene: Scene) -> tuple[str, Client]:
    """A tenant of its own, in which a few people are created."""
    mark = f"{scene.random.getrandbits(48):x}"
    admin = {"email": f"admin-{mark}@example.com", "name": "Admin", "password": PASSWORD}
    body = {"slug": f"t-{mark}", "name": "Tampered", "admin": admin}
    created = await scene.load.client.post("/api/admin/tenants", body, expect=201)
    client = Client(scene.site.url, scene.site.http)
    await client.log_in(admin["email"], PASSWORD)
    for number in range(_PEOPLE):
        await client.create_user(f"p{number}-{mark}@example.com")
    return created["id"], client


async def _signed(books: Ledger, tenant: str, client: Client) -> int:
    """Wait until all of the chain is under a checkpoint; return its length."""
    size = 0

    async def whole() -> None:
        nonlocal size
        size = await books.one(
            "select count(*) from audit.history_seals where tenant_id = $1", tenant
        )
        signed = await books.one(
            "select max(size) from audit.checkpoints where tenant_id = $1", tenant
        )
        assert size > _PEOPLE
        assert signed == size

    await eventually(whole, within=_SIGNED)
    verdict = await client.get("/api/admin/audit/verify")
    assert verdict["ok"], verdict
    return size


async def _save(books: Ledger, tenant: str) -> None:
    for table in _TABLES:
        await books.force(
            f"drop table if exists faults.{table}",
            f"create table faults.{table} as"
            f" select * from audit.{table} where tenant_id = '{tenant}'",
        )


async def _restore(books: Ledger, tenant: str) -> None:
    statements = [
        statement
        for table in _TABLES
        for statement in (
            f"delete from audit.{table} where tenant_id = '{tenant}'",
            f"insert into audit.{table} select * from faults.{table}",
        )
    ]
    await books.force(*statements)


FAULTS = [Fault("F24", "trail tampered with by the superuser", tamper, quick=True)]
