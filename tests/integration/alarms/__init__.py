"""Whom an emergency and a missed dose are told to: once, whom the patient chose, no others."""
