"""Pages that only read: home, the audit trail, health."""
