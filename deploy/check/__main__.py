"""``python -m deploy.check``: says what is wrong, and by what it was looked at.

``--write`` makes anew what is made from the alert rules.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from deploy.check import dashboards, kubectl, manifests, rules
from deploy.check.finding import Finding

_ROOT = Path(__file__).parents[2]

_ALERTS = Path("deploy/monitoring/prometheus/alerts.yml")
_COPY = Path("deploy/kubernetes/components/monitoring/alerts.yaml")


def check(root: Path = _ROOT) -> int:
    """Check everything in a checkout; return the exit code."""
    found = sorted(set(_findings(root)))
    for finding in found:
        print(finding, file=sys.stderr)
    return 1 if found else 0


def write(root: Path = _ROOT) -> int:
    """Make the operator's rules from the alerts."""
    (root / _COPY).write_text(rules.prometheus_rule((root / _ALERTS).read_text("utf-8")))
    return 0


def _findings(root: Path) -> Iterator[Finding]:
    deploy = root / "deploy"
    program = kubectl.program()
    print("manifests: rendered by deploy/check,", _and_by(program, "kubectl of 1.27 or newer"))
    yield from manifests.findings(deploy / "kubernetes", kubectl_program=program)

    prometheus = deploy / "monitoring" / "prometheus"
    tool = rules.promtool()
    print(
        "alert rules: read by promql-parser,",
        _and_by(tool, "promtool, which alone runs their tests"),
    )
    yield from rules.findings(prometheus, root / "docs" / "runbook.md")
    if tool is not None:
        yield from rules.promtool_findings(tool, prometheus)
    if (root / _COPY).read_text("utf-8") != rules.prometheus_rule((root / _ALERTS).read_text()):
        yield Finding(str(_COPY), "is not what the alerts say: run `make docs`")

    print("dashboards: read by promql-parser")
    yield from dashboards.findings(deploy / "monitoring" / "grafana" / "dashboards")


def _and_by(program: str | None, missing: str) -> str:
    return f"and by {program}" if program else f"without {missing}: it is not on this machine"


if __name__ == "__main__":
    sys.exit(write() if "--write" in sys.argv else check())
