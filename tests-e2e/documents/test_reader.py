"""The reader of the documents notices what is not as shown, and where."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.pages import Reader, same

ONE, OTHER = "0192e4a0-0000-7000-8000-000000000001", "01a1fab1-2468-771d-ae35-734f83a60535"


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        (f"id {ONE}", f"id {OTHER}\n\n"),
        ("at 2026-03-01T12:00:00.123456Z", "at 2026-11-20T20:41:15.6Z"),
        ("all … entries", "all 66 entries"),
        ("first\n…\nlast", "first\nlast"),
        ("first\n…\nlast", "first\nsecond\nthird\nlast"),
    ],
)
def test_what_differs_every_time_may_differ(shown: str, printed: str) -> None:
    assert same(shown, printed)


@pytest.mark.parametrize(
    ("shown", "printed"),
    [("True", "False"), ("all … entries", "all\nentries"), ("one", "one\ntwo"), ("one\n…", "two")],
)
def test_nothing_else_may(shown: str, printed: str) -> None:
    assert not same(shown, printed)


@pytest.mark.parametrize(
    ("page", "line"),
    [
        ("```sh\ntrue\nfalse\n```\n", 3),
        ("```sh\nx=$(printf 1)\ny=$(cat nothing)\n```\n", 3),
        ("```sh\necho one\n```\n\n```text\ntwo\n```\n", 6),
    ],
    ids=["a command fails", "a command within fails", "something else is printed"],
)
async def test_a_complaint_names_the_line(page: str, line: int, tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text(page)
    with pytest.raises(AssertionError, match=rf"page\.md:{line} "):
        await Reader(tmp_path).follow(path)
