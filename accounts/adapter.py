"""What allauth asks Baton: what a new account gets, and where it may go afterwards."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest
from django.utils.text import slugify

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


def found_organisation(owner: User, name: str = "") -> Organisation:
    """A new organisation with its owner."""
    called = name or f"{owner.name or owner.email.partition('@')[0]}'s studio"
    slug = f"{slugify(called)[:40] or 'studio'}-{str(owner.pk)[:8]}"
    organisation = Organisation.objects.create(name=called, slug=slug)
    Membership.objects.create(user=owner, organisation=organisation, role=Membership.Role.OWNER)
    return organisation
