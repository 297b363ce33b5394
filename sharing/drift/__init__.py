"""Drift: read back what a destination shows, compare it with what was written, apply the policy."""
