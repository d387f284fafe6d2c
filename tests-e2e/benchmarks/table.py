"""The table that a run prints."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from benchmarks.figures import Figure


def show(figures: Sequence[Figure], *, quick: bool) -> None:
    """Print every figure with its verdict."""
    title = "Tried, not measured: small sizes, figures that mean nothing" if quick else None
    table = Table(title=title)
    for heading in ("name", "value", "baseline", "ratio", "lowest-highest", "target", "verdict"):
        table.add_column(heading, justify="left" if heading in ("name", "verdict") else "right")
    for each in figures:
        table.add_row(
            each.name,
            f"{each.value:,.4g} {each.unit}",
            "" if each.baseline is None else f"{each.baseline:,.4g}",
            "" if each.ratio is None else f"{each.ratio:.2f}",
            f"{each.lowest:,.4g}-{each.highest:,.4g}",
            each.target,
            "met" if each.ok else "MISSED",
        )
    Console(width=None if Console().is_terminal else 140).print(table)
