"""The REST API of destinations."""
