"""What every domain stands on: settings, database, crypto, errors, and the API decorator."""
