"""The REST API of insight."""
