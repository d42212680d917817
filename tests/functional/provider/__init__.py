"""Signing in with a real identity provider."""
