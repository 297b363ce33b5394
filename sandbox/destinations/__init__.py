"""Destinations that check strictly what they are sent and count what it did."""
