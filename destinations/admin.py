"""The back office of destinations: for looking only. Secrets are never shown."""

import json
from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from destinations import selectors
from destinations.models import Destination


@admin.register(Destination)
class DestinationAdmin(admin.ModelAdmin):  # type: ignore[type-arg] # not generic at run time
    list_display = ["name", "kind", "organisation", "state", "stage", "breaker_state", "last_ok_at"]
    list_filter = ["kind", "state", "stage", "breaker_state"]
    search_fields = ["name", "endpoint"]
    exclude = ["settings"]

    @admin.display(description="settings (secrets masked)")
    def shown_settings(self, destination: Destination) -> str:
        return json.dumps(selectors.masked_settings(destination), ensure_ascii=False, indent=1)

    def get_readonly_fields(
        self, request: HttpRequest, obj: Destination | None = None
    ) -> list[str]:
        columns = [field.name for field in self.opts.fields if field.name != "settings"]
        return [*columns, "shown_settings"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
