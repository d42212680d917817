"""Backups with the real restic, on both databases."""
