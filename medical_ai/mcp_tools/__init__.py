"""The registry of tools through which an assistant reads records."""
