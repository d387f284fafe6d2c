"""Which faults there are, and which of them somebody asks for."""

from __future__ import annotations

from faults.catalogue import (
    broker,
    clients,
    converting,
    crowd,
    database,
    deliveries,
    hostile,
    identity,
    lines,
    outages,
    points,
    poison,
    sessions,
    storage,
    storm,
    tampering,
)
from faults.fault import Fault

_MODULES = (
    broker,
    clients,
    converting,
    crowd,
    database,
    deliveries,
    hostile,
    identity,
    lines,
    outages,
    points,
    poison,
    sessions,
    storage,
    storm,
    tampering,
)

FAULTS = {
    fault.id: fault
    for fault in sorted(
        (fault for module in _MODULES for fault in module.FAULTS), key=lambda each: int(each.id[1:])
    )
}


def chosen(words: str) -> list[Fault]:
    """``quick``, ``all``, or ids with commas. Raises LookupError."""
    if words == "quick":
        return [fault for fault in FAULTS.values() if fault.quick]
    if words == "all":
        return list(FAULTS.values())
    names = [word.strip().upper() for word in words.split(",") if word.strip()]
    if unknown := [name for name in names if name not in FAULTS]:
        raise LookupError(f"no such fault: {', '.join(unknown)}; there are {', '.join(FAULTS)}")
    return [FAULTS[name] for name in names]
