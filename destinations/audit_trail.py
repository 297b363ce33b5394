"""What the audit log is told about a destination: before and after, without secrets or people."""

from collections.abc import Mapping
from hashlib import sha256

from destinations import registry
from destinations.models import Destination
from destinations.schedule import as_text

RECORDED = (
    "kind", "endpoint", "state", "stage", "pseudonymous", "delivery_mode", "idempotency_class",
    "rate_per_second", "burst", "slots", "owner_id", "deputy_id",
)  # fmt: skip
LONGEST = 200  # what the log takes as it is
BEGINNING, DIGITS = 170, 16  # what is shown of something longer; of its digest
MASKED = "\x00"


def fingerprint(row: Destination) -> dict[str, str]:
    """The row as the log may know it. Of a secret, and of people's words, only that they differ."""
    form = registry.adapter_class(row.kind).config_form
    configuration = row.configuration
    shown = {
        f"settings.{name}": _whole(str(value))
        for name, value in form.masked(configuration).items()
        if name not in form.secrets | form.personal
    }
    hidden = {
        f"settings.{name}": _digest(str(configuration[name]))
        for name in form.secrets | form.personal
        if configuration.get(name)
    }
    columns = {name: str(getattr(row, name)) for name in RECORDED}
    columns["late_apply_window"] = f"{row.late_apply_window.total_seconds():g} s"
    columns["schedule"] = _whole(as_text(row.schedule)) if row.schedule else "usual"
    return columns | shown | hidden | {"name": _digest(row.name)}


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, str]:
    """Every value that differs, as it was and as it is."""
    differing = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
    return {f"{name}.before": _shown(before[name]) for name in differing if name in before} | {
        f"{name}.after": _shown(after[name]) for name in differing if name in after
    }


def _whole(value: str) -> str:
    """The value; of a long one its beginning, with a digest by which a change in its tail shows."""
    if len(value) <= LONGEST:
        return value
    return f"{value[:BEGINNING]}... sha256:{sha256(value.encode()).hexdigest()[:DIGITS]}"


def _digest(value: str) -> str:
    """Only for comparing within one change: what is recorded is that it was masked."""
    return MASKED + sha256(value.encode()).hexdigest()


def _shown(value: str) -> str:
    return "masked" if value.startswith(MASKED) else value
