"""The threat model names tests as its proofs: each is there."""

from __future__ import annotations

import re

from harness.launch import ROOT

PAGE = ROOT / "docs" / "security.md"


def test_every_proof_is_a_test_of_the_file_it_links_to() -> None:
    proofs = re.findall(r"\[`(test_\w+)`\]\(([^)]+)\)", PAGE.read_text())
    assert len(proofs) > 50
    for name, link in proofs:
        text = (PAGE.parent / link).resolve().read_text()
        assert re.search(rf"^(async )?def {name}\(", text, re.MULTILINE), f"{name} in {link}"


def test_every_threat_has_a_proof() -> None:
    rows = [row for row in PAGE.read_text().splitlines() if re.match(r"\| [STRIDE]\b", row)]
    assert len(rows) > 25
    assert [row for row in rows if "`test_" not in row] == []
