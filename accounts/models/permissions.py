"""Object permissions on athletes: rows with real foreign keys, which go when the athlete goes."""

from django.db import models
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase

from accounts.models.people import Athlete


class AthleteUserObjectPermission(UserObjectPermissionBase):
    """What one person may with one athlete. An assistant's athletes are those they may view."""

    content_object = models.ForeignKey(
        Athlete, on_delete=models.CASCADE, related_name="user_permissions"
    )

    class Meta(UserObjectPermissionBase.Meta):
        abstract = False
        verbose_name = "athlete of an assistant"
        verbose_name_plural = "athletes of assistants"


class AthleteGroupObjectPermission(GroupObjectPermissionBase):
    """What everybody in a group may with one athlete."""

    content_object = models.ForeignKey(
        Athlete, on_delete=models.CASCADE, related_name="group_permissions"
    )

    class Meta(GroupObjectPermissionBase.Meta):
        abstract = False
