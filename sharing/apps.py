from django.apps import AppConfig


class SharingConfig(AppConfig):
    name = "sharing"

    def ready(self) -> None:
        from audit import fsck, triggers  # noqa: PLC0415 - loaded after the apps
        from sharing import versions  # noqa: PLC0415 - loaded after the apps

        fsck.register(self.get_model("Delivery"), named="delivery")
        fsck.register(self.get_model("Attempt"), named="attempt")
        fsck.also(versions.altered)
        triggers.protect("sharing_planversion", "sharing_acknowledgement")
