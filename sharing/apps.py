from django.apps import AppConfig


class SharingConfig(AppConfig):
    name = "sharing"

    def ready(self) -> None:
        from accounts import cohorts, provider  # noqa: PLC0415 - loaded after the apps
        from audit import fsck, triggers  # noqa: PLC0415 - loaded after the apps
        from sharing import latency, tasks, versions, wake  # noqa: PLC0415 - loaded after the apps
        from sharing.stops import putting  # noqa: PLC0415 - loaded after the apps

        fsck.register(self.get_model("Delivery"), named="delivery")
        fsck.register(self.get_model("Attempt"), named="attempt")
        fsck.also(versions.altered)
        cohorts.object_with(putting.why_cohort_stays)
        triggers.protect("sharing_planversion", "sharing_acknowledgement")
        wake.publish_with(tasks.publish)
        provider.time_with(latency.timed)
