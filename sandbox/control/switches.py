"""Everything about TrainingPeaks that nobody documents, or that may go wrong: one switch each."""

from dataclasses import dataclass
from typing import Any

from sandbox import journal, store

DOCUMENTED_SCOPES = [
    "athlete:profile", "coach:athletes", "workouts:read", "workouts:plan", "workouts:wod",
    "workouts:details", "events:read", "events:write", "metrics:read", "metrics:write",
    "nutrition:read", "nutrition:write", "file:write", "routes:read", "routes:write",
    "webhook:read-subscriptions", "webhook:write-subscriptions",
]  # fmt: skip


@dataclass(frozen=True)
class Switch:
    name: str
    default: Any
    explanation: str
    group: str
    choices: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """How a page lets a person set it."""
        if self.choices:
            return "choice"
        return {bool: "bool", int: "int", float: "float", str: "text"}.get(
            type(self.default), "json"
        )


ON, OFF = True, False
OAUTH, ANSWERS, HOOKS, ACCESS = "OAuth", "API answers", "Webhooks", "Who may do what"
INTERVALS = "intervals.icu"

ALL = (
    Switch("expires_in", 600, "Seconds an access token lives; integrators measured 3600.", OAUTH),
    Switch("code_lifetime", 3600, "Seconds an authorization code may be redeemed.", OAUTH),
    Switch("rotate_refresh_tokens", ON, "A refresh answers with a new refresh token.", OAUTH),
    Switch(
        "revoke_family_on_reuse", ON,
        "An old refresh token used again ends every token of that grant.", OAUTH,
    ),
    Switch("revoke_connections", OFF, "Every grant is revoked: refresh 400, calls 401.", OAUTH),
    Switch(
        "token_error_body", "json", "What a refused token request looks like.", OAUTH,
        ("json", "empty", "html"),
    ),
    Switch("token_unavailable", 0, "The token endpoint answers 503 this many times.", OAUTH),
    Switch("deauthorize_status", 200, "What deauthorize answers; 204 was seen too.", OAUTH),
    Switch("clients", {"baton-sandbox": "baton-sandbox-secret"}, "Client ids, secrets.", OAUTH),
    Switch("redirect_uris", [], "Registered redirects; none: SANDBOX_REDIRECT_URI or any.", OAUTH),
    Switch("application_scopes", DOCUMENTED_SCOPES, "Scopes the application was given.", OAUTH),
    Switch("scope_in_answer", ON, "The token answer names the scopes.", OAUTH),
    Switch("require_https", OFF, "Plain HTTP is answered 302 to HTTPS.", ACCESS),
    Switch(
        "user_agent", "flag", "A missing or blank User-Agent: noted in the journal, or refused.",
        ACCESS, ("flag", "require", "ignore"),
    ),
    Switch("detached_athletes", [], "Ids of athletes no longer coached: 403 on each.", ACCESS),
    Switch("detached_in_roster", OFF, "Detached athletes are still listed.", ACCESS),
    Switch("scope_missing_status", 401, "A call whose scope is missing: 401 or 403.", ACCESS),
    Switch("coach_may_subscribe", ON, "A coach may subscribe for athletes.", ACCESS),
    Switch("coach_may_read_structure", ON, "A coach may read athletes' structure.", ACCESS),
    Switch("subscription_create_status", 201, "What creating a subscription answers.", ACCESS),
    Switch(
        "subscription_duplicates", "create", "The same subscription once more.", ACCESS,
        ("create", "same", "refuse"),
    ),
    Switch("subscription_limit", 0, "Most subscriptions of one grant's person; 0: any.", ACCESS),
    Switch("subscriptions_vanish", OFF, "Subscriptions are gone without a word.", ACCESS),
    Switch("unavailable", 0, "503 for this many API calls; -1: until switched off.", ANSWERS),
    Switch("saturday_maintenance", OFF, "503 on Saturdays, 18:00 to 23:00 Mountain.", ANSWERS),
    Switch("throttle", 0, "429 for this many API calls; -1: until switched off.", ANSWERS),
    Switch(
        "retry_after", "2", "Retry-After of 429 and 503: seconds, an HTTP date, or empty.", ANSWERS
    ),
    Switch("server_error", 0, "500 for this many API calls; -1: until switched off.", ANSWERS),
    Switch("slow_seconds", 0.0, "Every API answer waits this long.", ANSWERS),
    Switch("truncate_json", 0, "This many answers end in the middle; -1: all.", ANSWERS),
    Switch("wrong_types", 0, "This many answers have figures as words; -1: all.", ANSWERS),
    Switch("html_instead", 0, "This many good answers are a web page; -1: all.", ANSWERS),
    Switch("drop_keys", [], "Members missing from every object of an answer.", ANSWERS),
    Switch("extra_keys", OFF, "Objects have members nobody has heard of.", ANSWERS),
    Switch("range_error_status", 400, "More than 45 days: 400, or 403.", ANSWERS),
    Switch(
        "range_error_body", "object", "What a refusal says.", ANSWERS,
        ("object", "array", "string"),
    ),
    Switch("range_days", 45, "Most days of one range.", ANSWERS),
    Switch("percent_as_fractions", OFF, "Intensity 0.75 in place of 75.", ANSWERS),
    Switch("structure_not_exported", OFF, "JSON, too, is a format that is refused.", ANSWERS),
    Switch("structure_wrapped", OFF, "Structure in an object, not a bare array.", ANSWERS),
    Switch(
        "tss_casing", "TssPlanned", "How planned load is spelled on reads.", ANSWERS,
        ("TssPlanned", "TSSPlanned"),
    ),
    Switch(
        "modified_in", "utc", "LastModifiedDate in UTC with a Z, or Mountain without.", ANSWERS,
        ("utc", "mountain"),
    ),
    Switch("seven_digit_fractions", OFF, "LastModifiedDate has one digit too many.", ANSWERS),
    Switch("deleted_on_every_page", ON, "Each page of changes has every deletion.", ANSWERS),
    Switch("show_hidden", OFF, "Hidden workouts are returned to a coach.", ANSWERS),
    Switch("drop_webhooks_percent", 0, "Of 100 webhook posts, so many are never sent.", HOOKS),
    Switch("duplicate_webhooks", 0, "Each post is sent this many times more.", HOOKS),
    Switch("reorder_webhooks", OFF, "Posts wait at random, up to a second.", HOOKS),
    Switch("webhook_delay_seconds", 0.0, "Every post waits this long.", HOOKS),
    Switch(
        "webhook_body", "minimal", "The shape of the body, which is not documented.", HOOKS,
        ("minimal", "full", "array", "nonsense"),
    ),
    Switch("webhook_retries", 0, "Further tries when a post is not answered with 2xx.", HOOKS),
    Switch("webhook_wrong_token", OFF, "The last part of the URL is altered.", HOOKS),
    Switch("webhook_strength", OFF, "Strength workouts fire workout events too.", HOOKS),
    Switch("intervals_keys", ["sandbox-key"], "API keys that are let in.", INTERVALS),
    Switch("intervals_tokens", ["sandbox-token"], "Bearer tokens that are let in.", INTERVALS),
    Switch("intervals_throttle", 0, "429 for this many calls; -1: all.", INTERVALS),
    Switch("intervals_unavailable", 0, "503 for this many calls; -1: all.", INTERVALS),
    Switch("intervals_forbidden", 0, "403 for this many calls; -1: all.", INTERVALS),
    Switch("intervals_unauthorized", 0, "401 for this many calls; -1: all.", INTERVALS),
    Switch("intervals_error", 0, "500 for this many calls; -1: all.", INTERVALS),
    Switch("intervals_delay_seconds", 0.0, "Every answer waits this long.", INTERVALS),
    Switch("intervals_partial_list", 0, "Lists that show every second event; -1: all.", INTERVALS),
    Switch("intervals_cut_off", 0, "Answers to reading that end half-way; -1: all.", INTERVALS),
    Switch("intervals_answer_lost", 0, "Writes are done, but answered 502.", INTERVALS),
    Switch("intervals_unknown_athletes", [], "Athlete ids there that are 404.", INTERVALS),
)  # fmt: skip

BY_NAME = {switch.name: switch for switch in ALL}


class UnknownSwitch(Exception):  # noqa: N818 - reads as the sentence it is
    """There is no switch of this name, or the value does not suit it."""


def get(name: str) -> Any:
    row = store.one("SELECT value FROM switch WHERE name = ?", name)
    return store.loaded(row["value"]) if row else BY_NAME[name].default


def values() -> dict[str, Any]:
    found = store.all_rows("SELECT name, value FROM switch")
    changed = {row["name"]: store.loaded(row["value"]) for row in found}
    return {switch.name: changed.get(switch.name, switch.default) for switch in ALL}


def change(wanted: dict[str, Any]) -> None:
    """All of them, or none: a misspelled switch would leave a test without its fault."""
    for name, value in wanted.items():
        _check(name, value)
    with store.transaction():
        for name, value in wanted.items():
            sql = "INSERT INTO switch VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = ?"
            store.run(sql, name, store.dumped(value), store.dumped(value))
        if wanted.get("subscriptions_vanish"):
            store.run("DELETE FROM subscription")
        if wanted.get("revoke_connections"):
            store.run("UPDATE token SET revoked = 1")
        journal.record("switches", "control", changed=wanted)


def take(name: str) -> bool:
    """Is this fault due now? A number counts down to nothing; -1 or true stays."""
    value = get(name)
    if isinstance(value, bool) or value <= 0:
        return value is True or value == -1
    with store.transaction():
        left = int(get(name))
        if left > 0:
            sql = "INSERT INTO switch VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = ?"
            store.run(sql, name, str(left - 1), str(left - 1))
    return left > 0


def _check(name: str, value: Any) -> None:
    switch = BY_NAME.get(name)
    if switch is None:
        raise UnknownSwitch(f"There is no switch {name!r}.")
    if switch.choices and value not in switch.choices:
        raise UnknownSwitch(f"{name} is one of {', '.join(switch.choices)}.")
    if not isinstance(value, _suiting(switch.default)):
        raise UnknownSwitch(f"{name} is {type(switch.default).__name__}, not {value!r}.")


def _suiting(default: Any) -> tuple[type, ...]:
    """A switch that counts may be a plain yes, too."""
    kind = type(default)
    return {float: (float, int), int: (int, bool)}.get(kind, (kind,))
