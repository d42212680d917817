"""Schema versions: numbered, described for a sysadmin, up and down on both databases."""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).parent


def import_models() -> None:
    """Import every package's `models`, so that the metadata is complete."""
    for package in sorted(HERE.parent.iterdir()):
        name = f"medical_ai.{package.name}"
        if (package / "models.py").exists() and find_spec(name):
            import_module(f"{name}.models")
