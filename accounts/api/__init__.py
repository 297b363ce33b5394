"""The REST API of accounts, and what every API view asks first."""
