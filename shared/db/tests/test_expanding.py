"""The version before goes on running on a schema that this one has migrated, or says it cannot."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

RELEASED = {
    "assignment": "0006",
    "audit": "0006",
    "bus": "0001",
    "converter": "0007",
    "identity": "0004",
    "notifier": "0002",
}
"""How far each schema was in the version that was released last; later ones are looked at."""

TAKING_AWAY = re.compile(
    r"\b(drop\s+(table|column|function|schema)|rename\s+(to|column)|set\s+not\s+null"
    r"|alter\s+(column\s+)?\w+\s+(set\s+data\s+)?type|revoke)\b",
    re.IGNORECASE,
)
CALLS = {"drop_column", "drop_table", "rename_table"}
CHANGES = {"nullable", "type_", "new_column_name"}


def trees() -> Iterator[tuple[str, Path]]:
    """Every schema and its migrations."""
    yield "bus", ROOT / "shared/bus/migrations/versions"
    for versions in sorted(ROOT.glob("services/*/migrations/versions")):
        yield versions.parents[1].name, versions


def taken_away(source: str) -> list[str]:
    """What an upgrade takes from the version before, unless it says that that one cannot go on."""
    tree = ast.parse(source)
    if any("compatible_from" in _names(node) for node in tree.body):
        return []
    kept = [node for node in tree.body if getattr(node, "name", "") != "downgrade"]
    found = (ast.walk(node) for node in kept)
    return [told for nodes in found for node in nodes if (told := _taken(node))]


def _names(node: ast.stmt) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


def _taken(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return match[0] if (match := TAKING_AWAY.search(node.value)) else None
    if not isinstance(node, ast.Call):
        return None
    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
    given = {each.arg: each.value for each in node.keywords}
    if name == "add_column":  # the version before fills in nothing
        columns = (each for each in ast.walk(node) if isinstance(each, ast.Call))
        return "a column without a default" if any(map(_demands, columns)) else None
    if name == "alter_column" and CHANGES & given.keys():
        return name
    return name if name in CALLS else None


def _demands(column: ast.Call) -> bool:
    given = {each.arg: each.value for each in column.keywords}
    nullable = given.get("nullable")
    required = isinstance(nullable, ast.Constant) and nullable.value is False
    return required and "server_default" not in given


@pytest.mark.parametrize(("schema", "versions"), trees(), ids=lambda each: str(each)[-12:])
def test_what_comes_after_a_release_takes_nothing_from_it(schema: str, versions: Path) -> None:
    later = [path for path in versions.glob("*.py") if path.name[:4] > RELEASED[schema]]
    assert {path.name: taken_away(path.read_text()) for path in later} == {
        path.name: [] for path in later
    }


@pytest.mark.parametrize(
    "upgrade",
    [
        'op.drop_column("things", "size", schema="demo")',
        'op.execute("alter table demo.things drop column size")',
        'op.execute(f"alter table {SCHEMA}.things rename to stuff")',
        'op.execute("alter table demo.things alter column size type bigint")',
        'op.alter_column("things", "size", nullable=False, schema="demo")',
        'op.add_column("things", sa.Column("size", sa.Integer, nullable=False), schema="demo")',
    ],
)
def test_it_is_seen_when_something_is_taken_away(upgrade: str) -> None:
    source = f"def upgrade():\n    {upgrade}\n"
    assert taken_away(source)
    assert not taken_away(f'compatible_from = "0009"\n{source}')
    assert not taken_away(source.replace("upgrade", "downgrade"))


@pytest.mark.parametrize(
    "upgrade",
    [
        'op.add_column("things", sa.Column("size", sa.Integer), schema="demo")',
        'op.create_table("stuff", sa.Column("size", sa.Integer, nullable=False), schema="demo")',
        'op.execute("alter table demo.things drop constraint old")',
    ],
)
def test_what_adds_takes_nothing_away(upgrade: str) -> None:
    assert not taken_away(f"def upgrade():\n    {upgrade}\n")
