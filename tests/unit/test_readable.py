"""Exported data as JSON and as a page: complete, escaped, and row by row."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from uuid import UUID

from medical_ai.web.readable import html_pieces, json_pieces, spoken

MOMENT = datetime(2026, 11, 24, 14, 2, tzinfo=UTC)


def rows(count: int) -> Iterator[dict[str, object]]:
    """Return rows that are made as they are asked for."""
    return ({"number": number, "at": MOMENT} for number in range(count))


def page(*sections: tuple[str, object]) -> str:
    """Return a page as one text."""
    return "".join(html_pieces("All", sections))


def test_json_says_what_it_was_given() -> None:
    value = {"a": [1, None, True], "when": MOMENT, "day": date(2026, 1, 2), "id": UUID(int=7),
             "rows": rows(2), "empty": iter(()), "text": 'ü "x"\n'}  # fmt: skip
    read = json.loads("".join(json_pieces(value)))
    assert read["a"] == [1, None, True]
    assert (read["when"], read["day"]) == ("2026-11-24T14:02:00+00:00", "2026-01-02")
    assert [row["number"] for row in read["rows"]] == [0, 1]
    assert (read["empty"], read["text"]) == ([], 'ü "x"\n')


def test_json_comes_row_by_row() -> None:
    pieces = json_pieces(rows(1_000_000))
    assert next(pieces) == "["
    assert "0" in "".join(next(pieces) for _ in range(4))  # and a million rows were not made


def test_flat_rows_are_a_table_and_others_are_not() -> None:
    assert page(("r", rows(2))).count("<tr>") == 3
    nested = page(("r", iter([{"inner": [{"a": 1}]}])))
    assert "<article>" in nested


def test_everything_is_escaped() -> None:
    text = page(("<h>", {"<k>": "<v>"}), ("r", [{"<c>": "<script>"}]))
    for mark in ("<h>", "<k>", "<v>", "<c>", "<script>"):
        assert mark not in text


def test_the_page_reaches_for_nothing() -> None:
    text = page(("r", rows(1)))
    for mark in ("<script", "src=", "href=", "url(", "@import"):
        assert mark not in text


def test_values_are_said_plainly() -> None:
    text = page(("x", {"when": MOMENT, "on": True, "none": None, "many": ["a", "b"]}), ("y", []))
    for said in ("24 Nov 2026, 14:02 UTC", "Yes", "–", "a, b", "Nothing."):
        assert said in text
    assert spoken("due_local") == "Due local"
    assert spoken("people_i_look_after") == "People I look after"
