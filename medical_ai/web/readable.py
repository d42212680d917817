"""Exported data as text: JSON for machines, and a plain page for people. Pure, in small pieces.

Values are dicts, lists, iterators and what JSON knows, with moments, days and ids. An iterator is
written row by row, so that the longest history needs no more memory than the shortest.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from html import escape
from typing import Any

STYLE = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;"
    "color:#1b2624;background:#fff}"
    "h2{margin-top:2.5rem;border-bottom:1px solid #9aa}"
    "table{border-collapse:collapse;width:100%}"
    "th,td{border:1px solid #9aa;padding:.3rem .5rem;text-align:left;vertical-align:top;"
    "overflow-wrap:anywhere}"
    "dl{display:grid;grid-template-columns:minmax(8rem,14rem) 1fr;gap:.2rem 1rem}"
    "dt{color:#465}dd{margin:0;overflow-wrap:anywhere;white-space:pre-wrap}"
    "article{border:1px solid #9aa;border-radius:.5rem;padding:.3rem 1rem;margin:1rem 0}"
    "@media(width<40rem){dl{grid-template-columns:minmax(0,1fr)}dd{min-width:0;margin-bottom:.5rem}"
    "table{display:block;overflow-x:auto}th,td{min-width:7rem}}"
    "@media print{body{margin:0;max-width:none}h2{break-after:avoid}tr,dt{break-inside:avoid}}"
)


def json_pieces(value: Any) -> Iterator[str]:
    """Write a value as JSON, piece by piece."""
    if isinstance(value, dict):
        yield from _joined(value.items(), "{}", _json_entry)
    elif isinstance(value, list | Iterator):
        yield from _joined(value, "[]", json_pieces)
    else:
        yield json.dumps(value, ensure_ascii=False, default=_plain)


def _joined(items: Iterable[Any], marks: str, written: Any) -> Iterator[str]:
    comma = marks[0]
    for item in items:
        yield comma
        yield from written(item)
        comma = ",\n"
    yield marks[1] if comma != marks[0] else marks


def _json_entry(entry: tuple[str, Any]) -> Iterator[str]:
    name, value = entry
    yield json.dumps(str(name), ensure_ascii=False) + ": "
    yield from json_pieces(value)


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


def html_pieces(title: str, sections: Iterable[tuple[str, Any]]) -> Iterator[str]:
    """Write one page that needs nothing else and prints well, piece by piece."""
    yield (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>"
        f"<body><main><h1>{escape(title)}</h1>\n"
    )
    for heading, value in sections:
        yield f"<section><h2>{escape(spoken(heading))}</h2>"
        yield from _block(value)
        yield "</section>\n"
    yield "</main></body></html>\n"


def spoken(name: str) -> str:
    """Return a field's name as a person would write it."""
    words = name.replace("_", " ").replace("-", " ").replace(" i ", " I ")
    return words[:1].upper() + words[1:]


def _block(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from _facts(value)
    elif isinstance(value, list | Iterator):
        yield from _rows(value)
    else:
        yield f"<p>{_said(value)}</p>"


def _facts(values: dict[str, Any]) -> Iterator[str]:
    yield "<dl>"
    for name, value in values.items():
        yield f"<dt>{escape(spoken(name))}</dt><dd>"
        if _is_nested(value):
            yield from _block(value)
        else:
            yield _said(value)
        yield "</dd>"
    yield "</dl>"


def _rows(rows: Iterable[Any]) -> Iterator[str]:
    columns: list[str] | None = None
    is_empty = True
    for row in rows:
        if is_empty and isinstance(row, dict) and not any(map(_is_nested, row.values())):
            columns = list(row)
            heads = "".join(f'<th scope="col">{escape(spoken(name))}</th>' for name in columns)
            yield f"<table><thead><tr>{heads}</tr></thead><tbody>"
        is_empty = False
        if columns is not None:
            cells = "".join(f"<td>{_said(row.get(name))}</td>" for name in columns)
            yield f"<tr>{cells}</tr>\n"
        else:
            yield "<article>"
            yield from _block(row)
            yield "</article>\n"
    if columns is not None:
        yield "</tbody></table>"
    if is_empty:
        yield "<p>Nothing.</p>"


def _is_nested(value: Any) -> bool:
    if isinstance(value, list):
        return any(isinstance(one, dict | list) for one in value)
    return isinstance(value, Iterator) or (isinstance(value, dict) and bool(value))


def _said(value: Any) -> str:
    if value is None or value in ("", {}):
        return "–"
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, datetime):
        return value.strftime("%-d %b %Y, %H:%M UTC")
    if isinstance(value, list):
        return ", ".join(map(_said, value)) or "–"
    return escape(_plain(value))
