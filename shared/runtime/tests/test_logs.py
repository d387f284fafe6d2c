"""Logs: lines that programs can read, that never fail, and that tell no secrets."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import orjson
import pytest

_PROGRAM = """
import logging, uuid
import structlog
from shared.runtime.logs import configure_logs
from shared.runtime.settings import RuntimeSettings

configure_logs(RuntimeSettings(log_format={format!r}))
log = structlog.get_logger()

def sign_in(password):
    raise ValueError("no")

log.info("job_claimed", job_id=uuid.UUID(int=7), path="\\udcff\\u00e9")
logging.getLogger("library").warning("from a %s", "library")
try:
    sign_in("".join(["hun", "ter2"]))
except ValueError:
    log.exception("sign_in_failed")
    logging.getLogger("library").exception("again")
"""


def _logged(kind: str) -> str:
    """What a process of its own writes to stderr."""
    program = [sys.executable, "-c", _PROGRAM.format(format=kind)]
    ran = subprocess.run(program, capture_output=True, timeout=60, check=True)
    return ran.stderr.decode()


def test_json_lines() -> None:
    lines = [orjson.loads(line.replace("\\udcff", "?")) for line in _logged("json").splitlines()]
    assert [each["event"] for each in lines] == [
        "job_claimed",
        "from a library",
        "sign_in_failed",
        "again",
    ]
    assert lines[0]["job_id"] == "00000000-0000-0000-0000-000000000007"
    assert lines[0]["path"] == "?é"
    assert lines[2]["exception"][0]["exc_type"] == "ValueError"


@pytest.mark.parametrize("kind", ["json", "console"])
def test_stack_traces_tell_no_variables(kind: str) -> None:
    logged = _logged(kind)
    assert "ValueError" in logged
    assert "hunter2" not in logged


def test_a_log_that_cannot_be_written_stops_nothing() -> None:
    program = _PROGRAM.format(format="console") + "print('still here')"
    command = [sys.executable, "-c", program]
    with Path("/dev/full").open("wb") as full:
        ran = subprocess.run(command, stdout=subprocess.PIPE, stderr=full, timeout=60, check=False)
    assert ran.stdout == b"still here\n"
