from auditlog.registry import auditlog
from django.apps import AppConfig

# What the engine writes all the time, and what must never be copied.
NOT_LOGGED = [
    "settings", "limiter_tat", "breaker_state", "breaker_opened_at", "breaker_until",
    "breaker_step",
    "consecutive_failures", "failing_since", "last_ok_at", "last_error_code", "last_error_at",
    "audit_entry",
]  # fmt: skip


class DestinationsConfig(AppConfig):
    name = "destinations"

    def ready(self) -> None:
        auditlog.register(self.get_model("Destination"), exclude_fields=NOT_LOGGED)
