"""The place of an address in words, where the operator gave a file that knows places.

Such a file is a guess of its makers, often a city too far; people are told "near". Without the
file, or without the optional package that reads it, the network is all that is said.
"""

import importlib
from functools import cache
from pathlib import Path
from typing import Any

from medical_ai.auth.client_words import (
    LOCAL_NETWORK,
    THIS_COMPUTER,
    UNKNOWN_PLACE,
    network_of,
    parsed,
)
from medical_ai.core.config import Settings
from medical_ai.core.logging import get_logger

WITHOUT_PLACE = frozenset({UNKNOWN_PLACE, THIS_COMPUTER, LOCAL_NETWORK})


def place_of(settings: Settings, address: str) -> str:
    """Return where an address is: "near Lyon, France (192.0.2.0/24)", or only its network."""
    network = network_of(address)
    if network in WITHOUT_PLACE or settings.geoip_database is None:
        return network
    found = _look_up(settings.geoip_database, str(parsed(address)))
    return f"near {found} ({network})" if found else network


def _look_up(path: Path, address: str) -> str:
    try:
        return _names(_reader(path).get(address) or {})
    except Exception as error:  # a list of sessions must not fail for want of a place's name
        get_logger().warning("geoip.unusable", exc_info=error)
        return ""


@cache
def _reader(path: Path) -> Any:
    return importlib.import_module("maxminddb").open_database(str(path))


def _names(row: Any) -> str:
    parts = (row.get(kind, {}).get("names", {}).get("en", "") for kind in ("city", "country"))
    return ", ".join(part for part in parts if part)
