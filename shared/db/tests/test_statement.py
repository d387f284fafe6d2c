"""A statement names its parameters and refuses others."""

from __future__ import annotations

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, Text, bindparam, insert, select, text

from shared.db import Statement

THINGS = Table("things", MetaData(), Column("id", Integer), Column("note", Text), schema="demo")

ID = bindparam("id", type_=Integer)

ADD = Statement(insert(THINGS).values(id=bindparam("id"), note=bindparam("note")))


def test_parameters_are_put_in_order() -> None:
    assert ADD.sql == "INSERT INTO demo.things (id, note) VALUES ($1::INTEGER, $2::VARCHAR)"
    assert ADD.arguments({"note": "n", "id": 1}) == [1, "n"]


def test_none_is_a_value() -> None:
    assert ADD.arguments({"id": 1, "note": None}) == [1, None]


def test_a_missing_parameter_is_named() -> None:
    with pytest.raises(TypeError, match="missing parameter 'note'"):
        ADD.arguments({"id": 1})


def test_an_unknown_parameter_is_named() -> None:
    with pytest.raises(TypeError, match=r"unknown parameters: \['notes'\]"):
        ADD.arguments({"id": 1, "note": "n", "notes": "n"})


def test_the_planner_sees_plain_constants() -> None:
    newest = Statement(select(THINGS.c.id).where(THINGS.c.note == "x").limit(1))

    assert "note = 'x'" in newest.sql
    assert newest.sql.endswith("LIMIT 1")
    assert newest.arguments({}) == []


def test_other_constants_stay_parameters() -> None:
    quoted = Statement(select(THINGS.c.id).where(THINGS.c.note == "it's %(id)s", THINGS.c.id == ID))

    assert quoted.arguments({"id": 1}) == ["it's %(id)s", 1]


def test_one_name_may_stand_in_several_places() -> None:
    twice = Statement(text("select :a || :b || :a"))

    assert (twice.sql, twice.arguments({"a": 1, "b": 2})) == ("select $1 || $2 || $1", [1, 2])
