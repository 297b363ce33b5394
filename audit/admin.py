"""The log in the back office: to read, never to change."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from audit.models import Entry


@admin.register(Entry)
class EntryAdmin(admin.ModelAdmin[Entry]):
    list_display = ("seq", "at", "action", "said")
    list_filter = ("action",)
    search_fields = ("action",)
    fields = ("seq", "at", "action", "said")
    readonly_fields = fields
    ordering = ("-seq",)

    @admin.display(description="the exact bytes")
    def said(self, entry: Entry) -> str:
        return bytes(entry.body).decode(errors="replace")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
