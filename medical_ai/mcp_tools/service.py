"""The product's registry, with every tool in it."""

from functools import cache

from medical_ai.mcp_tools import medications
from medical_ai.mcp_tools.registry import Registry


@cache
def get_registry() -> Registry:
    """Return the registry of all tools."""
    registry = Registry()
    medications.register(registry)
    return registry
