"""Alerts and dashboards ask what our processes can answer, and what is broken in them is found."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.check import dashboards, promql, rules
from deploy.check.tests.checkout import ROOT, change, copied

MONITORING = ROOT / "deploy" / "monitoring"
RUNBOOK = ROOT / "docs" / "runbook.md"


def test_every_alert_holds() -> None:
    assert not list(rules.findings(MONITORING / "prometheus", RUNBOOK))


def test_every_dashboard_holds() -> None:
    assert not list(dashboards.findings(MONITORING / "grafana" / "dashboards"))


ALERTS = {
    "no YAML": ("groups:", "groups: [", "is no YAML"),
    "a key that Prometheus does not know": ("for: 2m", "four: 2m", "'four' was unexpected"),
    "a duration that is none": ("for: 2m", "for: two minutes", "does not match"),
    "no PromQL": ("== 0", "== ", "is no PromQL"),
    "a metric nobody has": ("marquee_bus_up", "marquee_bus_down", "which no process exports"),
    "a label it has not": ('code="4008"', 'cod="4008"', "has no label cod"),
    "groups by what is not there": ("by (queue)", "by (line)", "groups by line"),
    "no such paragraph": ("#a-loop-fails", "#a-loop-falls", "no paragraph #a-loop-falls"),
    "nothing said": ("summary:", "remark:", "does not say what is the matter"),
    "a severity nobody knows": ("severity: warning", "severity: bad", "does not say how bad"),
    "an alert without a test": ("MarqueeLoopFails", "MarqueeLoopsFail", "no test shows"),
    "the same twice": ("MarqueeLoopFails", "MarqueeTrailBroken", "is there twice"),
}


@pytest.mark.parametrize("fault", ALERTS)
def test_a_broken_rule_is_found(tmp_path: Path, fault: str) -> None:
    there, instead, complaint = ALERTS[fault]
    prometheus = copied(tmp_path) / "deploy" / "monitoring" / "prometheus"
    change(prometheus / "alerts.yml", there, instead)
    told = [str(finding) for finding in rules.findings(prometheus, RUNBOOK)]
    assert any(complaint in each for each in told), told


def test_a_paragraph_that_goes_is_missed(tmp_path: Path) -> None:
    runbook = copied(tmp_path) / "docs" / "runbook.md"
    change(runbook, "## Messages are parked", "## Messages lie about")
    told = [str(finding) for finding in rules.findings(MONITORING / "prometheus", runbook)]
    assert told == ["alerts.yml: MarqueeMessagesParked: the runbook has no paragraph "
                    "#messages-are-parked"]  # fmt: skip


DASHBOARDS = {
    "no JSON": ('"uid"', "uid", "is no JSON"),
    "a field that is none of ours": ('"refresh"', '"colour": 1, "refresh"', "'colour' was"),
    "a data source that cannot be chosen": ("${datasource}", "prometheus", "was expected"),
    "a metric nobody has": ("marquee_notifier_sockets", "sockets_open", "no process exports"),
    "no PromQL": ("histogram_quantile(0.99", "histogram_quantil(0.99", "is no PromQL"),
    "two panels of one id": ('"id": 2,', '"id": 1,', "the same id"),
    "one panel over another": ('"x": 4,', '"x": 0,', "lies over"),
    "no unit": ('"unit": "percentunit"', '"decimals": 1', "has no unit"),
    "the uid of another": ('"marquee-overview"', '"marquee-audit"', "has the uid of audit.json"),
}


@pytest.mark.parametrize("fault", DASHBOARDS)
def test_a_broken_dashboard_is_found(tmp_path: Path, fault: str) -> None:
    there, instead, complaint = DASHBOARDS[fault]
    files = copied(tmp_path) / "deploy" / "monitoring" / "grafana" / "dashboards"
    change(files / "overview.json", there, instead)
    told = [str(finding) for finding in dashboards.findings(files)]
    assert any(complaint in each for each in told), told


@pytest.mark.parametrize(
    "expression",
    [
        "sum by (queue) (rate(marquee_consumer_messages_total[$__rate_interval]))",
        'up{job="marquee"} == 0',
    ],
)
def test_what_can_be_answered_passes(expression: str) -> None:
    assert not list(promql.complaints(expression))


if rules.promtool() is not None:

    def test_promtool_passes_the_rules_and_finds_a_wrong_one(tmp_path: Path) -> None:
        program = rules.promtool()
        assert program is not None
        prometheus = copied(tmp_path) / "deploy" / "monitoring" / "prometheus"
        assert not list(rules.promtool_findings(program, prometheus))
        change(prometheus / "alerts.yml", "marquee_bus_up == 0", "marquee_bus_up == 2")
        assert list(rules.promtool_findings(program, prometheus))
