"""The job that migrates before a new version starts, and leaves services without that right."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from urllib.parse import quote

import asyncpg

from shared.testing.databases import Databases
from shared.testing.fixtures import OpenDatabases

REPOSITORY = Path(__file__).parents[2]


async def migrate(databases: Databases, **environment: str) -> tuple[int, str]:
    """Run the job; its exit code and what it said."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services", "migrate"),
        cwd=REPOSITORY,
        env=os.environ | {"MARQUEE_DATABASE_URL": databases.dsn, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(120):
        said, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode()


async def test_every_schema_is_made_once_and_its_login_becomes_the_services(
    databases: OpenDatabases,
) -> None:
    opened = await databases()

    first = await migrate(opened, MARQUEE_DATABASE_ADMIN_URL=opened.admin_dsn)
    again = await migrate(opened, MARQUEE_DATABASE_ADMIN_URL=opened.admin_dsn)

    assert (first[0], first[1].count("schema_migrated")) == (0, 5), first[1]
    assert (again[0], again[1].count("schema_migrated")) == (0, 0), again[1]
    connection = await asyncpg.connect(opened.dsn)
    try:
        await connection.execute("set role marquee_assignment")
        assert await connection.fetchval("select count(*) from assignment.outbox") == 0
    finally:
        await connection.close()


async def test_the_login_of_the_services_is_made_if_there_is_none(
    databases: OpenDatabases,
) -> None:
    opened = await databases()
    login, password = f"services_{opened.name}", 'it\'s "quoted" % and \\ odd'
    url = f"postgresql://{login}:{quote(password, safe='')}@127.0.0.1/{opened.name}"
    try:
        done = await migrate(
            opened, MARQUEE_DATABASE_ADMIN_URL=opened.admin_dsn, MARQUEE_DATABASE_URL=url
        )
        assert done[0] == 0, done[1]
        assert password not in done[1]
        (role,) = await opened.as_admin(
            "select rolcanlogin, rolinherit, rolsuper, rolcreaterole, rolbypassrls,"
            " pg_has_role(rolname, 'marquee_audit', 'member') as serves"
            " from pg_roles where rolname = $1",
            login,
        )
        assert tuple(role) == (True, False, False, False, False, True)
    finally:
        await opened.as_admin(f'drop role if exists "{login}"')


async def test_without_the_right_to_it_nothing_is_migrated(databases: OpenDatabases) -> None:
    opened = await databases()

    nobody = await migrate(opened)
    stranger = await migrate(opened, MARQUEE_DATABASE_ADMIN_URL=opened.dsn)

    assert (nobody[0], "MARQUEE_DATABASE_ADMIN_URL: required" in nobody[1]) == (1, True)
    assert (stranger[0], "permission denied" in stranger[1]) == (1, True), stranger[1]
    assert not any("Traceback" in said for _, said in (nobody, stranger))
