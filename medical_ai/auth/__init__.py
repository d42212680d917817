"""Accounts, tokens, roles, permissions and the guard in front of every endpoint."""
