"""Keeps the tests of an ``xdist_group`` in one worker: what is costly to start is started once.

A pytest plugin, named in the root conftest. pytest-xdist 3.8 tells its scheduler the group by a
suffix of a test's id, which it writes where pytest 9.2 does not read any more.
"""

from __future__ import annotations

import pytest


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Add the suffix where it is missing."""
    if not getattr(config.option, "loadgroup", False):
        return
    for item in items:
        mark = item.get_closest_marker("xdist_group")
        if mark and not item.nodeid.endswith(suffix := f"@{mark.args[0]}"):
            item._id = type(item.id).parse(item.nodeid + suffix)
