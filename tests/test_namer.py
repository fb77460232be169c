"""Identifiers never collide, whatever authors and writers call things."""

from __future__ import annotations

from codegen.namer import Namer


def namer() -> Namer:
    return Namer(frozenset({"half"}))


def test_keeps_the_authors_names() -> None:
    names = namer()
    assert [names.declare("row"), names.declare("row.2"), names["row"]] == ["row", "row_2", "row"]


def test_avoids_reserved_words() -> None:
    assert namer().declare("half") == "half_2"


def test_sibling_blocks_share_a_name_and_nested_ones_do_not() -> None:
    names = namer()
    names.push()
    assert names.declare("c") == "c"
    names.pop()
    names.push()
    assert names.declare("c.2") == "c"
    names.push()
    assert names.declare("c.3") == "c_2"


def test_inventions_never_meet_each_other_or_a_name() -> None:
    names = namer()
    made = [names.invent("sum_state") for _ in range(4)]
    assert made == ["sum_state", "sum_state_2", "sum_state_3", "sum_state_4"]
    assert names.declare("sum_state") == "sum_state_5"
    assert names.invent("sum_state") == "sum_state_6"
    assert names["sum_state"] == "sum_state_5"
