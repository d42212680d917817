"""Health, commands and the worker process."""
