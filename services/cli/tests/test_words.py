"""Values read well, and nothing in them moves a cursor."""

from __future__ import annotations

import json
import time

import pytest

from services.cli import words
from services.cli.output import Output, show, show_fields, show_table


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (None, "-"),
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (99_460, "99.5 kB"),
        (99_900, "100 kB"),
        (999_400, "999 kB"),
        (999_500, "1.0 MB"),
        (524_288_000, "524 MB"),
        (5e15, "5000 TB"),
    ],
)
def test_sizes(count: float | None, text: str) -> None:
    assert words.size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "-"), (0, "0.0 s"), (8.44, "8.4 s"), (59.97, "1:00"), (125, "2:05"), (3725, "1:02:05")],
)
def test_durations(seconds: float | None, text: str) -> None:
    assert words.duration(seconds) == text


def test_moments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    assert words.moment("2026-05-04T12:00:00.123456Z") == "2026-05-04 12:00:00Z"
    monkeypatch.setenv("TZ", "Europe/Vienna")
    time.tzset()
    assert words.moment("2026-05-04T12:00:00.123456Z") == "2026-05-04 14:00:00+0200"
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (False, "no"),
        (7, "7"),
        ("Šárka 🎬", "Šárka 🎬"),
        ("a\x1b[2Jb\nc", r"a\x1b[2Jb\nc"),
        ("gpj.\u202e4pm", r"gpj.\u202e4pm"),
    ],
)
def test_nothing_moves_a_cursor(value: object, text: str) -> None:
    assert words.plain(value) == text


def test_a_table_in_a_pipe_cuts_nothing_off(capsys: pytest.CaptureFixture[str]) -> None:
    title = "[bold]" + "long " * 100 + ":smile:"
    show_table(
        {"ID": lambda row: row["id"], "Title": lambda row: row["title"]},
        [{"id": "1", "title": title}],
    )
    head, line, row = capsys.readouterr().out.splitlines()
    assert head.split() == ["ID", "Title"]
    assert set(line) == {"─"}
    assert row.rstrip() == f"1    {title}"


def test_fields_stand_beneath_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    show_fields({"ID": 1, "Name": "\x07Mia"})
    assert capsys.readouterr().out == "ID    1\nName  \\x07Mia\n"


def test_json_is_json_alone(capsys: pytest.CaptureFixture[str]) -> None:
    show(Output.JSON, {"title": "Šárka"}, lambda: pytest.fail("not asked for"))
    assert json.loads(capsys.readouterr().out) == {"title": "Šárka"}
