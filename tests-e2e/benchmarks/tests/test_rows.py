"""The benchmarks are not run here, but they are all there: as many as the targets promise."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from benchmarks import document
from benchmarks.figures import Pairs, alone, at_most, compared, times_at_least
from benchmarks.rows import APART, ROWS, chosen

DOCUMENT = Path(__file__).parents[3] / "docs" / "performance.md"


def _names(heading: str) -> list[str]:
    """What the first column of the table under a heading names."""
    section = DOCUMENT.read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


def test_there_is_a_file_for_each_target_and_no_other() -> None:
    assert set(ROWS) == set(_names("Targets"))


def test_each_file_can_be_run_and_says_what_its_figures_must_be() -> None:
    figures = [name for module in chosen([*ROWS, *APART]) for name in module.TARGETS]
    assert len(figures) == len(set(figures))
    assert {name.partition(".")[0] for name in figures} == set(ROWS | APART)


def test_a_row_that_is_not_there_is_refused_by_name() -> None:
    with pytest.raises(LookupError, match="no such row: assign_rsp"):
        chosen(["assign_rsp"])


def test_a_ratio_is_the_median_of_its_pairs_and_missed_if_it_is() -> None:
    pairs = Pairs([6.0, 9.0, 2.0], [10.0, 10.0, 10.0])
    figure = compared("x", {"x": times_at_least(0.7, "events/s")}, pairs, float)
    assert (figure.ratio, figure.lowest, figure.highest, figure.ok) == (0.6, 0.2, 0.9, False)
    assert alone("y", {"y": at_most(2, "s")}, [1.0, 3.0, 2.0]).ok


def test_a_run_is_documented_in_place_of_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, results = tmp_path / "page.md", tmp_path / "results.json"
    page.write_text("# Speed\n\n## Results\n\nOld.\n\n## More\n\nKept.\n")
    pairs = Pairs([6.0, 9.0], [10.0, 10.0])
    figure = compared("x.rate", {"x.rate": times_at_least(0.7, "events/s")}, pairs, float)
    results.write_text(json.dumps([figure.as_json()]))
    monkeypatch.setattr(document, "PAGE", page)
    document.write(results)
    text = page.read_text()
    assert "| `x.rate` | 7.5 events/s | 10 | 0.75 (0.60-0.90) | >= 0.7 x | met |" in text
    assert "Old." not in text
    assert text.endswith("\n\n## More\n\nKept.\n")


def test_a_quick_run_is_not_documented(tmp_path: Path) -> None:
    results = tmp_path / "results.json"
    results.write_text(json.dumps([{"name": "x", "quick": True}]))
    with pytest.raises(ValueError, match="mean nothing"):
        document.write(results)
