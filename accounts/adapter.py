"""What allauth asks Baton: what a new account gets, and what is noted of who comes and goes."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest
from django.utils.text import slugify

from accounts import person_log
from accounts.models import Membership, Organisation, User
from audit.log import audited_atomic


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc] # allauth has no types
    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:  # noqa: FBT001, FBT002 - allauth's signature
        """Somebody who signs up owns an organisation of their own; others are invited to one."""
        with audited_atomic() as log:
            saved: User = super().save_user(request, user, form, commit)
            if commit:
                organisation = found_organisation(saved)
                log.record("account.opened", organisation=organisation.pk)
        return saved

    def login(self, request: HttpRequest, user: User) -> None:
        with audited_atomic() as log:
            super().login(request, user)
            person_log.note(log, "session.started", user.email)

    def logout(self, request: HttpRequest) -> None:
        with audited_atomic() as log:
            if isinstance(request.user, User):
                person_log.note(log, "session.ended", request.user.email)
            super().logout(request)

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Known or not, an address costs the same time: nobody learns who has an account."""
        with audited_atomic() as log:
            person_log.note(log, "session.refused", str(credentials.get("email", "")))


def found_organisation(owner: User, name: str = "") -> Organisation:
    """A new organisation with its owner."""
    called = name or f"{owner.name or owner.email.partition('@')[0]}'s studio"
    slug = f"{slugify(called)[:40] or 'studio'}-{str(owner.pk)[:8]}"
    organisation = Organisation.objects.create(name=called, slug=slug)
    Membership.objects.create(user=owner, organisation=organisation, role=Membership.Role.OWNER)
    return organisation
