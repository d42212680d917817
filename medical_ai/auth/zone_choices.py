"""The time zones as a form offers them."""

from functools import cache

from medical_ai.core.zones import zone_names

REGIONS = {
    "Atlantic": "Atlantic Ocean",
    "Indian": "Indian Ocean",
    "Pacific": "Pacific Ocean",
    "UTC": "Without a place",
}
"""What a region of the zone names is called where its own name says too little."""


@cache
def zones_by_region() -> dict[str, list[tuple[str, str]]]:
    """Return every zone as (name, place), the places of a region together and in order."""
    regions: dict[str, list[tuple[str, str]]] = {}
    for name in zone_names():
        region, _, place = name.replace("_", " ").partition("/")
        spoken = ", ".join(reversed(place.split("/"))) if place else name
        found = regions.setdefault(REGIONS.get(region, region), [])
        found.append((name, spoken))
    return {region: sorted(zones, key=lambda zone: zone[1]) for region, zones in regions.items()}
