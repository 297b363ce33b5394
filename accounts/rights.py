"""Who may do what: one table, asked everywhere. What is not in it is not allowed."""

SEE = frozenset(
    {
        "view_athlete",
        "view_consent",
        "view_destination",
        "view_route",
        "view_connection",
        "view_alert",
        "view_cohort",
        "view_stop",
    }
)
COACHING = SEE | {
    "manage_athlete",
    "manage_connection",
    "manage_route",
    "manage_destination",
    "record_consent",
    "redeliver",
    "roll_back",
    "handle_alert",
    "view_quarantine",
    "replay_quarantine",
    "manage_cohort",
    "manage_stop",
}
ADMINISTRATION = COACHING | {
    "view_audit",
    "manage_member",
    "manage_organisation",
    "erase_athlete",
}

PERMISSIONS: dict[str, frozenset[str]] = {
    "owner": ADMINISTRATION,
    "admin": ADMINISTRATION,
    "coach": COACHING,
    "assistant": SEE | {"redeliver", "handle_alert"},
    "destination_owner": frozenset(
        {
            "view_destination",
            "manage_destination",
            "view_route",
            "view_alert",
            "handle_alert",
            "view_stop",
            "manage_stop",
        }
    ),
    "auditor": SEE | {"view_audit", "view_quarantine"},
}


def roles_with(permission: str) -> list[str]:
    """The roles that hold it."""
    return [role for role, held in PERMISSIONS.items() if permission in held]
