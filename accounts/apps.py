from django.apps import AppConfig

SECRET = ["access_token", "refresh_token", "feed_url", "data_key"]
PERSONAL = ["email", "name", "password", "last_login"]
ERASABLE = ["email", "name", "time_zone", "source_id"]  # a change that is sealed cannot be erased
RESTLESS = [
    "expires_at", "lifetime", "generation", "refresh_lease_until", "refresh_owner", "last_ok_at",
    "last_error", "refresh_error",
]  # fmt: skip


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from audit import fsck, triggers  # noqa: PLC0415 - loaded after the apps
        from audit.registry import track  # noqa: PLC0415 - loaded after the apps

        triggers.protect("accounts_consentdecision")
        fsck.register(self.get_model("ConsentDecision"), named="consent")
        track(self.get_model("User"), exclude_fields=PERSONAL)
        track(self.get_model("Organisation"))
        track(self.get_model("Membership"))
        track(self.get_model("AthleteUserObjectPermission"))
        track(self.get_model("AthleteGroupObjectPermission"))
        track(self.get_model("Athlete"), exclude_fields=[*SECRET, *ERASABLE])
        track(self.get_model("Cohort"))
        track(self.get_model("Connection"), exclude_fields=[*SECRET, *RESTLESS, "name"])
