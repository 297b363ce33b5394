"""People, organisations, athletes and consent in the back office. Secrets are never shown."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts import api_tokens, assignments
from accounts.models import (
    ApiToken,
    Athlete,
    AthleteUserObjectPermission,
    Connection,
    ConsentDecision,
    Membership,
    Organisation,
    User,
)


class ReadOnly(admin.ModelAdmin[Any]):
    """To look at, never to change."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(User)
class UserAdmin(admin.ModelAdmin[User]):
    list_display = ("email", "name", "is_active", "is_staff")
    search_fields = ("email", "name")
    fields = ("email", "name", "is_active", "is_staff")


@admin.register(Organisation)
class OrganisationAdmin(admin.ModelAdmin[Organisation]):
    list_display = ("name", "consent_policy", "created_at")
    search_fields = ("name",)
    fields = ("name", "slug", "consent_policy")


@admin.register(Membership)
class MembershipAdmin(admin.ModelAdmin[Membership]):
    list_display = ("user", "organisation", "role")
    list_filter = ("role",)
    autocomplete_fields = ("user", "organisation")


class AssignmentForm(forms.ModelForm[AthleteUserObjectPermission]):
    """An assistant and an athlete of one organisation; what is permitted is always to view."""

    class Meta:
        model = AthleteUserObjectPermission
        fields = ("user", "content_object")
        labels: ClassVar[dict[str, str]] = {"user": "assistant", "content_object": "athlete"}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        user, athlete = cleaned.get("user"), cleaned.get("content_object")
        if user and athlete and not assignments.assists(user, athlete):
            raise forms.ValidationError(
                "This person is no assistant of the athlete's organisation."
            )
        if user and athlete and user.has_perm(assignments.VIEW, athlete):
            raise forms.ValidationError("This athlete is assigned to this person already.")
        self.instance.permission = assignments.view_permission()
        return cleaned


@admin.register(AthleteUserObjectPermission)
class AssignmentAdmin(admin.ModelAdmin[AthleteUserObjectPermission]):
    form = AssignmentForm
    list_display = ("user", "content_object")
    autocomplete_fields = ("user", "content_object")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Taken away and given again: who saw what when stays plain."""
        return False


@admin.register(Athlete)
class AthleteAdmin(admin.ModelAdmin[Athlete]):
    list_display = ("name", "organisation", "time_zone", "state")
    list_filter = ("state",)
    search_fields = ("name",)
    fields = ("name", "organisation", "time_zone", "state")
    readonly_fields = ("organisation", "state")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Connection)
class ConnectionAdmin(ReadOnly):
    list_display = ("organisation", "user", "kind", "state", "last_ok_at", "last_error")
    fields = ("organisation", "user", "kind", "state", "granted_scopes", "expires_at")


@admin.register(ConsentDecision)
class ConsentAdmin(ReadOnly):
    list_display = ("athlete", "destination_id", "decision", "basis", "decided_at", "expires_at")
    list_filter = ("decision", "basis")
    search_fields = ("athlete__name",)


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnly):
    list_display = ("user", "name", "prefix", "created_at", "last_used_at", "revoked_at")
    fields = ("user", "name", "prefix", "created_at", "last_used_at", "expires_at", "revoked_at")
    actions = ("revoke",)

    @admin.action(description="Revoke the chosen API tokens", permissions=["revoke"])
    def revoke(self, request: HttpRequest, tokens: QuerySet[ApiToken]) -> None:
        for token in tokens.filter(revoked_at=None).select_related("user"):
            api_tokens.revoke(token)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return isinstance(request.user, User) and request.user.has_perm("accounts.change_apitoken")
