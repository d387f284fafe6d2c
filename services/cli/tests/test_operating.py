"""What operators see and do, in words and in exit codes; the gateway says it as it is described."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from services.cli import operating, tenants
from services.cli.failures import Refused
from services.cli.tests.conftest import Gateway

MESSAGE = {
    "id": "m1",
    "queue": "audit.trail",
    "service": "audit",
    "event_type": "identity.user.created",
    "event_id": "e1",
    "subject": None,
    "tenant": "default",
    "parked_at": "2026-05-04T12:00:00.000000Z",
    "attempts": 5,
    "replays": 0,
    "error_class": "ValueError",
    "error": "no such \x1b[31mthing",
}
FINDING = {
    "code": "stuck_jobs",
    "service": "converter",
    "title": "Jobs that nobody works on",
    "detail": "Their leases ended.",
    "count": 2,
    "examples": ["j1", "j2"],
    "repairable": True,
    "repair": "put them back into the queue",
}


def run(verb: typer.Typer | Callable[..., Any], *arguments: str) -> Result:
    """Run a verb."""
    if not isinstance(verb, typer.Typer):
        alone = typer.Typer()
        alone.command()(verb)
        verb = alone
    return CliRunner().invoke(verb, arguments)


def test_parked_messages_are_listed_and_who_did_not_answer_is_named(gateway: Gateway) -> None:
    gateway.give(200, {"items": [MESSAGE], "next_cursor": None, "missing": ["converter"]})
    ran = run(operating.parked, "list", "--queue", "audit.trail")
    assert ran.exit_code == 0
    assert all(word in ran.stdout for word in ("m1", "audit.trail", "ValueError"))
    assert "converter did not answer" in ran.stderr
    assert gateway.asked[0].path == "/api/admin/parked?limit=50&queue=audit.trail"


def test_a_parked_message_is_shown(gateway: Gateway) -> None:
    gateway.give(200, MESSAGE | {"headers": {"x": "y"}, "body": "{}", "body_encoding": "utf-8"})
    ran = run(operating.parked, "show", "m1")
    assert r"no such \x1b[31mthing" in ran.stdout
    assert "x: y" in ran.stdout


def test_all_messages_of_a_queue_are_replayed_the_oldest_first(gateway: Gateway) -> None:
    older = MESSAGE | {"id": "m0"}
    gateway.give(200, {"items": [MESSAGE, older], "next_cursor": None, "missing": []})
    outcome = {"queue": "audit.trail", "event_id": "e", "replayed_at": "t", "replayed_by": "u"}
    for ident in ("m0", "m1"):
        gateway.give(202, outcome | {"id": ident, "outcome": "replayed"})
    ran = run(operating.parked, "replay", "--queue", "audit.trail", "-o", "json")
    assert [each["id"] for each in json.loads(ran.stdout)["items"]] == ["m0", "m1"]
    assert [each.path for each in gateway.asked[1:]] == [
        "/api/admin/parked/m0/replay",
        "/api/admin/parked/m1/replay",
    ]
    assert run(operating.parked, "replay").exit_code == 2
    assert run(operating.parked, "replay", "m1", "--queue", "q").exit_code == 2


def test_a_resync_tells_what_was_told(gateway: Gateway) -> None:
    told = [{"service": "identity", "kind": "users", "count": 12}]
    gateway.give(202, {"consumer": "audit", "queue": "audit.facts", "told": told, "total": 12})
    ran = run(operating.resync, "audit")
    assert ran.stdout.split()[-3:] == ["identity", "users", "12"]
    assert gateway.asked[0].body == {"consumer": "audit"}


@pytest.mark.parametrize(
    ("findings", "unchecked", "code"),
    [([], [], 0), ([FINDING], [], 1), ([], ["audit"], 1)],
)
def test_the_doctor_ends_with_1_unless_all_is_well(
    gateway: Gateway, findings: list[Any], unchecked: list[str], code: int
) -> None:
    gateway.give(200, {"healthy": not findings, "findings": findings, "unchecked": unchecked})
    ran = run(operating.doctor)
    assert ran.exit_code == code
    assert ("Nothing is wrong" in ran.stdout) is not bool(findings)
    assert ("Jobs that nobody works on (2)" in ran.stdout) is bool(findings)
    assert ("audit did not answer" in ran.stderr) is bool(unchecked)


@pytest.mark.parametrize(("option", "dry_run"), [("--repair", False), ("--dry-run", True)])
def test_the_doctor_repairs(gateway: Gateway, option: str, dry_run: bool) -> None:
    repaired = [{"code": "stuck_jobs", "service": "converter", "count": 2, "detail": "put back"}]
    answer = {"dry_run": dry_run, "repaired": repaired, "left": [], "unchecked": []}
    gateway.give(200, answer)
    ran = run(operating.doctor, option, "--only", "stuck_jobs")
    assert ran.exit_code == 0
    assert "converter: put back (2)" in ran.stdout
    assert gateway.asked[0].body == {"dry_run": dry_run, "codes": ["stuck_jobs"]}


def test_a_tenant_is_created_with_its_administrator(gateway: Gateway) -> None:
    admin = {"id": "a", "email": "kim@acme.test", "name": "kim", "role": "admin"}
    tenant = {"id": "acme", "name": "Acme", "disabled": False, "created_at": MESSAGE["parked_at"]}
    gateway.give(201, tenant | {"admin": admin, "admin_password": "made-up"})
    ran = run(tenants.verbs, "create", "acme", "--name", "Acme", "--admin", "kim@acme.test")
    assert all(word in ran.stdout for word in ("acme", "kim@acme.test", "made-up"))
    assert gateway.asked[0].body == {
        "slug": "acme",
        "name": "Acme",
        "admin": {"email": "kim@acme.test", "name": "kim"},
    }
    assert run(tenants.verbs, "create", "acme").exit_code == 2


def test_what_is_refused_is_left_to_whoever_runs_the_verb(gateway: Gateway) -> None:
    gateway.give(403, {"detail": "Only operators.", "code": "forbidden"})
    ran = run(tenants.verbs, "list")
    assert isinstance(ran.exception, Refused)
