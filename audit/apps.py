from typing import Any

from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "audit"

    def ready(self) -> None:
        """Each model change that auditlog keeps is sealed: its signal is the only word of it.

        A migration takes the time that it needs.
        """
        from auditlog.signals import post_log  # noqa: PLC0415 - loaded after the apps
        from django.db.models.signals import post_migrate, pre_migrate  # noqa: PLC0415 - as above

        from audit import patience, sealing, triggers  # noqa: PLC0415 - loaded after the apps

        pre_migrate.connect(patience.unhurried, sender=self)
        post_migrate.connect(patience.usual, sender=self)

        triggers.protect("audit_entry")
        triggers.protect("audit_checkpoint", set_once=("anchored_at",))

        def seal(log_entry: Any = None, **_: Any) -> None:
            if log_entry is not None:
                sealing.seal(log_entry)

        post_log.connect(seal, dispatch_uid="seal-model-changes", weak=False)
