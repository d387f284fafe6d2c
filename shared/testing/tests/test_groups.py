"""Tests of one group, run by several workers: what they share is started once."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[3]

_NOTED = """
import pathlib
import pytest

pytestmark = pytest.mark.xdist_group("together")

@pytest.mark.parametrize("number", range(8))
def test_it(number, worker_id):
    (pathlib.Path(__file__).parent / f"by-{worker_id}").touch()
"""


async def test_a_group_stays_with_one_worker(tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / f"test_{name}.py").write_text(_NOTED)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pytest", "-p", "shared.testing.groups", "-n", "2"),
        *("--dist", "loadgroup", "-c", str(_ROOT / "pyproject.toml"), str(tmp_path)),
        cwd=tmp_path,
        env={"PYTHONPATH": str(_ROOT), "PATH": os.defpath},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), 60)
    assert "16 passed" in output.decode()
    assert len(list(tmp_path.glob("by-*"))) == 1
