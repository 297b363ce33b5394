"""Django's SQLite backend, with writers that wait for one another in a different way."""
