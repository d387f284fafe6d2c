"""The output of a run that fails: short, and what failed is named at its end."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[3]

_HANGS = """
import asyncio
import pytest

@pytest.fixture
async def thing():
    yield
    print("cleaned up")
    await asyncio.Future()

async def wait_for_ever():
    await asyncio.Future()

async def test_hangs(thing):
    for n in range(100):
        print(f"line {n}.")
    await asyncio.create_task(wait_for_ever(), name="the-culprit")
"""


async def test_a_test_that_hangs_is_named_with_what_it_waits_for(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(_HANGS)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pytest", "-p", "shared.testing.reports", "--timeout=1"),
        *("-c", str(_ROOT / "pyproject.toml"), str(tmp_path), f"--basetemp={tmp_path / 'base'}"),
        cwd=tmp_path,
        env={"PYTHONPATH": str(_ROOT)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), 60)
    said = output.decode()
    lines = said.splitlines()
    summary = next(place for place, line in enumerate(lines) if "short test summary" in line)
    assert len(lines) - summary < 5
    assert any(line.startswith("FAILED") and "test_hangs" in line for line in lines[summary:])
    assert "test_it.py::test_hangs" in said
    assert "the-culprit: test_it.py:12 wait_for_ever" in said
    assert "cleaned up" in said
    assert "line 99." in said
    assert "line 9." not in said
    assert "Stack of" not in said
