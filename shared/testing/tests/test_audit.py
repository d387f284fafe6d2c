"""The audit of dependencies: what it makes of answers, and of none."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]

SOUND = {"dependencies": [{"name": "sound", "version": "1.0", "vulns": []}], "fixes": []}
FLAW = {"id": "PYSEC-1", "fix_versions": ["1.1"], "aliases": [], "description": "bad"}
FLAWED = {"dependencies": [{"name": "flawed", "version": "1.0", "vulns": [FLAW]}], "fixes": []}
UNKNOWN = {"dependencies": [{"name": "new", "skip_reason": "not found"}], "fixes": []}

NONE = {"vulnerabilities": {}, "metadata": {"dependencies": {"total": 7}}}
SOME = NONE | {"vulnerabilities": {"left-pad": {"range": "<2", "severity": "high"}}}
ERROR = {"message": "405 Method Not Allowed", "statusCode": 405}


@pytest.mark.parametrize(
    ("pip", "npm", "code", "told"),
    [
        (SOUND, NONE, 0, "requirements.lock: 1 packages, no known flaws"),
        (FLAWED, NONE, 1, "flawed 1.0: PYSEC-1, mended in ['1.1']"),
        (SOUND, SOME, 1, "left-pad <2: high"),
        (UNKNOWN, NONE, 69, "requirements.lock: NOT AUDITED: not found"),
        ({}, NONE, 69, "requirements.lock: NOT AUDITED: it said so"),
        (SOUND, ERROR, 69, "package-lock.json: NOT AUDITED: 405 Method Not Allowed"),
        (UNKNOWN, SOME, 1, "NOT AUDITED"),
    ],
)
def test_what_was_not_asked_for_is_not_called_sound(
    pip: Any, npm: Any, code: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    audit = runpy.run_path(str(ROOT / "deploy" / "audit.py"))

    def ask(command: list[str], _: Path) -> tuple[Any, str]:
        return (npm if "audit" in command else pip), "it said so"

    audit["of_pip"].__globals__["_ask"] = ask

    assert audit["main"]() == code
    assert told in capsys.readouterr().out
