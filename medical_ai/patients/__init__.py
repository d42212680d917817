"""Patients and the one door to their clinical data."""
