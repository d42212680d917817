"""Checks of one host. Each looks at one thing and returns what it found."""
