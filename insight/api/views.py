"""The audit log for other software: each entry as the exact text that was hashed."""

from typing import Any

from django.db.models import QuerySet
from django_filters import rest_framework as filters
from rest_framework import generics, serializers

from accounts.api.asking import Permitted, person
from accounts.camel import CamelSerializer
from audit.models import Entry
from insight.selectors import log


class EntrySerializer(CamelSerializer, serializers.Serializer[Any]):
    seq = serializers.IntegerField(read_only=True)
    body = serializers.SerializerMethodField(help_text="The bytes that are hashed, as text.")
    leaf_hash = serializers.SerializerMethodField(help_text="SHA-256 of 0x00 and the body, hex.")

    def get_body(self, entry: Entry) -> str:
        return bytes(entry.body).decode()

    def get_leaf_hash(self, entry: Entry) -> str:
        return bytes(entry.leaf_hash).hex()


class EntryFilter(filters.FilterSet):  # type: ignore[misc] # the library has no types
    action = filters.CharFilter(lookup_expr="startswith")

    class Meta:
        model = Entry
        fields = ["plan", "destination", "delivery", "subject"]


class EntryList(generics.ListAPIView[Entry]):
    """Entries of your organisations, the newest first."""

    permission_classes = [Permitted]
    read_permission = "view_audit"
    serializer_class = EntrySerializer
    filterset_class = EntryFilter
    queryset = Entry.objects.none()

    def get_queryset(self) -> QuerySet[Entry]:
        return log.entries(person(self.request)).order_by("-seq")
