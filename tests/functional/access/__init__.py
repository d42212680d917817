"""Who may call what, one module for each package's endpoints, put together for the matrix test.

A module has a `MATRIX`: the endpoint's name, then its path (with `{medication_id}` and the like
for what belongs to Alice), its body, and the answer for each of the cast. 200 stands for any
success. `PAGES` says the same of pages, with the fields of their forms. An endpoint that stands
nowhere fails the test.
"""

import importlib
import pkgutil
from typing import Any

CAST = ("alice", "bob", "nina", "bill", "dana", "charlie")
Row = tuple[str, Any, dict[str, int]]


def answers(**others: int) -> dict[str, int]:
    """Return the answers for the whole cast: `rest` for whoever is not named."""
    rest = others.pop("rest", 200)
    return {name: others.get(name, rest) for name in CAST}


EVERYBODY = answers()
OWNERS_TALK = answers(alice=200, rest=404)
OWN_LIST = answers(alice=200, bill=403, dana=403, rest=404)
READ_ONE = answers(alice=200, bob=200, nina=404, charlie=404, rest=403)
WRITE = answers(alice=200, rest=403)


def assemble(kind: str = "MATRIX") -> dict[str, Row]:
    """Return the rows of every module here: of its `MATRIX`, or of its `PAGES`."""
    rows: dict[str, Row] = {}
    for found in pkgutil.iter_modules(__path__):
        matrix = getattr(importlib.import_module(f"{__name__}.{found.name}"), kind, {})
        assert rows.keys().isdisjoint(matrix), found.name
        rows |= matrix
    return rows
