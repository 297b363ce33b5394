"""Bulk actions: one wish for many lanes, previewed, carried out in slices, counted lane by lane."""
