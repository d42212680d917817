"""Medical AI Assistant: one Flask application of domain packages in one downward stack."""

__version__ = "0.1.0"
