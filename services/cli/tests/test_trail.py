"""Vouching for a part of the trail that was lost, and for nothing else."""

from __future__ import annotations

import pytest
from typer.testing import Result

from services.cli import trail
from services.cli.failures import Failed
from services.cli.tests.conftest import Gateway
from services.cli.tests.test_operating import run

LOST = {"ok": False, "entries": 20, "first_bad": 21, "until": 40, "reason": "truncated"}
SAID = {"after": 20, "seq": 21, "until": 40, "checkpoints": 2}


def acknowledged(*more: str) -> Result:
    """Run the verb with a reason."""
    return run(trail.acknowledge, "--reason", "the disk of Monday", *more)


def test_who_vouches_sees_what_is_lost(gateway: Gateway) -> None:
    gateway.give(200, LOST)
    gateway.give(201, SAID)
    ran = acknowledged("--yes")
    assert ran.exit_code == 0, ran
    assert "an entry from 21 to 40 was truncated" in ran.stderr
    assert "goes on after entry 20; entry 21 says why" in ran.stdout
    asked = gateway.asked[-1]
    assert (asked.method, asked.path) == ("POST", "/api/admin/audit/restorations")
    assert asked.body == {"first_bad": 21, "reason": "the disk of Monday"}
    assert asked.headers["idempotency-key"]


def test_a_script_says_what_it_expects(gateway: Gateway) -> None:
    gateway.give(200, LOST)
    gateway.give(201, SAID)
    assert acknowledged("--first-bad", "15").exit_code == 0
    assert gateway.asked[-1].body["first_bad"] == 15


def test_where_nothing_is_missing_nothing_is_sent(gateway: Gateway) -> None:
    gateway.give(200, {"ok": True, "entries": 20, "first_bad": None})
    with pytest.raises(Failed, match="nothing is missing"):
        raise acknowledged("--yes").exception or AssertionError
    assert [each.method for each in gateway.asked] == ["GET"]
