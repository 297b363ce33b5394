"""The REST API of plans, versions, routes, consents and deliveries, for other software."""
