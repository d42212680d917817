"""Reference facts with their public sources. No database, no patient data."""
