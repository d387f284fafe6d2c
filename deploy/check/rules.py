"""The alert rules: well-formed, answerable, tried out, each with its paragraph in the runbook."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from deploy.check import promql, schema
from deploy.check.finding import Finding
from docs.generate.markdown import anchor

_HEADER = """\
# Made from deploy/monitoring/prometheus/alerts.yml by `make docs`: change that.
"""

_SEVERITIES = {"critical", "warning"}


def findings(monitoring: Path, runbook: Path) -> Iterator[Finding]:
    """Everything amiss in ``alerts.yml`` and its tests."""
    alerts, tests = monitoring / "alerts.yml", monitoring / "alerts.test.yml"
    try:
        told, tried = _read(alerts), _read(tests)
    except yaml.YAMLError as error:
        yield Finding(alerts.name, f"is no YAML: {error}")
        return
    wrong = list(schema.violations("RuleGroups", told))
    for complaint in wrong:
        yield Finding(alerts.name, complaint)
    if wrong:
        return
    rules = [rule for group in told["groups"] for rule in group["rules"]]
    anchors, fired = _anchors(runbook), _fired(tried)
    for rule in rules:
        name = rule.get("alert") or rule["record"]
        for complaint in (*promql.complaints(rule["expr"]), *_alert(rule, anchors, fired)):
            yield Finding(f"{alerts.name}: {name}", complaint)
    for name in {rule["alert"] for rule in rules if "alert" in rule}:
        if sum(rule.get("alert") == name for rule in rules) > 1:
            yield Finding(f"{alerts.name}: {name}", "is there twice")


def _read(file: Path) -> Any:
    return yaml.safe_load(file.read_text("utf-8"))


def _alert(rule: Mapping[str, Any], anchors: set[str], fired: set[str]) -> Iterator[str]:
    if "alert" not in rule:
        return
    annotations = rule.get("annotations", {})
    page, _, place = annotations.get("runbook_url", "").partition("#")
    if page != "docs/runbook.md" or place not in anchors:
        yield f"the runbook has no paragraph #{place}"
    if not annotations.get("summary"):
        yield "does not say what is the matter"
    if rule.get("labels", {}).get("severity") not in _SEVERITIES:
        yield "does not say how bad it is"
    if rule["alert"] not in fired:
        yield "no test shows that it is told"


def _anchors(runbook: Path) -> set[str]:
    """The headings, as a link names them."""
    return {anchor(text) for text in re.findall(r"(?m)^#+ (.+)$", runbook.read_text("utf-8"))}


def _fired(tests: Mapping[str, Any]) -> set[str]:
    return {
        case["alertname"]
        for test in tests["tests"]
        for case in test["alert_rule_test"]
        if case.get("exp_alerts")
    }


def promtool() -> str | None:
    """Prometheus' own tool, if this machine has it (Debian's package ``prometheus``)."""
    return shutil.which("promtool")


def promtool_findings(program: str, monitoring: Path) -> Iterator[Finding]:
    """What it has against the rules, and which of their tests fail."""
    for what, file in (("rules", "alerts.yml"), ("test", "alerts.test.yml")):
        command = ["check", "rules"] if what == "rules" else ["test", "rules"]
        ran = subprocess.run(
            [program, *command, file], cwd=monitoring, capture_output=True, text=True, check=False
        )
        if ran.returncode:
            yield Finding(file, f"promtool: {(ran.stdout + ran.stderr).strip()}")


def prometheus_rule(alerts: str) -> str:
    """The same rules as the object that Prometheus' operator takes."""
    groups = "".join(f"  {line}\n" for line in alerts.splitlines() if not line.startswith("#"))
    return f"""{_HEADER}apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: marquee
spec:
{groups}"""
