"""Which athletes an assistant looks after: guardian's permission to view them, one by one."""

from django.contrib.auth.models import Permission
from django.core.exceptions import ValidationError
from guardian.shortcuts import assign_perm, remove_perm

from accounts.models import Athlete, Membership, User
from audit.log import audited_atomic

VIEW = "view_athlete"


def assign(assistant: User, athlete: Athlete) -> None:
    """Let an assistant of the athlete's organisation see this athlete. Twice is once.

    Raises ValidationError for anybody else: a permission must not reach over the wall.
    """
    if not assists(assistant, athlete):
        raise ValidationError("Only an assistant of the athlete's organisation can be assigned.")
    with audited_atomic():
        assign_perm(VIEW, assistant, athlete)


def unassign(assistant: User, athlete: Athlete) -> None:
    with audited_atomic():
        remove_perm(VIEW, assistant, athlete)


def assists(user: User, athlete: Athlete) -> bool:
    return Membership.objects.filter(
        user=user, organisation=athlete.organisation_id, role=Membership.Role.ASSISTANT
    ).exists()


def view_permission() -> Permission:
    return Permission.objects.get(
        content_type__app_label="accounts", content_type__model="athlete", codename=VIEW
    )
