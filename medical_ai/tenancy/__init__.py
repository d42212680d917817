"""Hospitals: the tenants every clinical row belongs to."""
