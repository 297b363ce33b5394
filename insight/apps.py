from datetime import timedelta

from django.apps import AppConfig


class InsightConfig(AppConfig):
    name = "insight"

    def ready(self) -> None:
        from insight import alerts, mailing, watchdogs  # noqa: PLC0415 - loaded after the apps
        from sharing import periodic  # noqa: PLC0415 - loaded after the apps
        from sharing.erasure import traces  # noqa: PLC0415 - loaded after the apps

        traces.also(alerts.forget)

        periodic.register("watchdogs", lambda: timedelta(seconds=10), watchdogs.look)
        periodic.register(
            "watch-the-ledger", lambda: timedelta(minutes=1), watchdogs.look_at_the_ledger
        )
        periodic.register("mail-alerts", lambda: timedelta(seconds=15), mailing.mail_due)
