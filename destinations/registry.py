"""The kinds there are. A new destination is one folder under `adapters/` and one line here."""

from django.conf import settings

from destinations.adapters.icalendar.adapter import ICalendarAdapter
from destinations.adapters.intervals_icu.adapter import IntervalsIcuAdapter
from destinations.adapters.webhook.adapter import WebhookAdapter
from destinations.errors import PermanentError
from destinations.http import DestinationClient
from destinations.models import Destination
from destinations.port import DestinationAdapter

ADAPTERS: dict[str, type[DestinationAdapter]] = {
    adapter.kind: adapter for adapter in (WebhookAdapter, ICalendarAdapter, IntervalsIcuAdapter)
}


def adapter_class(kind: str) -> type[DestinationAdapter]:
    try:
        return ADAPTERS[kind]
    except KeyError:
        raise PermanentError(f"There is no destination of the kind “{kind}”.") from None


def adapter_for(destination: Destination) -> DestinationAdapter:
    """The adapter with this destination's settings and a client that knows what to keep secret."""
    adapter = adapter_class(destination.kind)
    configuration = destination.configuration
    client = DestinationClient(
        deadline=settings.BATON_SEND_DEADLINE,
        allow_loopback=settings.BATON_ALLOW_LOOPBACK_DESTINATIONS,
        secrets=adapter.config_form.secret_values(configuration),
    )
    return adapter(configuration, client)
