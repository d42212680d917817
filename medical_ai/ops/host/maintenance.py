"""The switch that lets nginx answer that the service is being looked after."""

import os
from pathlib import Path

from medical_ai.ops.host.findings import Finding, ok, warn
from medical_ai.ops.host.privileges import NotAllowed

SWITCHED_ON = "Maintenance is on: visitors see a page that says so, and /health still answers."
SWITCHED_OFF = "Maintenance is off."


def switch_on(switch: Path, *, minutes: int | None) -> None:
    """Turn it on; once more changes nothing but the minutes. Raises NotAllowed."""
    if not switch.parent.is_dir():
        raise NotAllowed(f"There is no {switch.parent}. Run: sudo deploy/install.sh")
    beside = switch.with_name(".maintenance")
    beside.write_text(f"{minutes}\n" if minutes else "", encoding="ascii")
    beside.chmod(0o644)  # nginx, as www-data, looks for it
    os.replace(beside, switch)


def switch_off(switch: Path) -> None:
    """Turn it off, whether or not it is on."""
    switch.unlink(missing_ok=True)


def say(switch: Path) -> str:
    """Return whether it is on, for a person."""
    if not switch.exists():
        return SWITCHED_OFF
    planned = switch.read_text(encoding="ascii").strip()
    return f"{SWITCHED_ON}\nPlanned for {planned} minutes." if planned else SWITCHED_ON


def look(switch: Path) -> Finding:
    """Return whether it is on."""
    if not switch.exists():
        return ok("off")
    return warn("on: visitors are told to come back later", "sudo medical-ai maintenance off")
