from typing import Any

from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "audit"

    def ready(self) -> None:
        """Each model change that auditlog keeps is sealed: its signal is the only word of it."""
        from auditlog.signals import post_log  # noqa: PLC0415 - loaded after the apps

        from audit import sealing, triggers  # noqa: PLC0415 - loaded after the apps

        triggers.protect("audit_entry")

        def seal(log_entry: Any = None, **_: Any) -> None:
            if log_entry is not None:
                sealing.seal(log_entry)

        post_log.connect(seal, dispatch_uid="seal-model-changes", weak=False)
