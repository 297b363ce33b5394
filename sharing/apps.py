from django.apps import AppConfig


class SharingConfig(AppConfig):
    name = "sharing"

    def ready(self) -> None:
        from audit import triggers  # noqa: PLC0415 - loaded after the apps

        triggers.protect("sharing_planversion", "sharing_acknowledgement")
