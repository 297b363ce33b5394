"""The back office is Django's admin with Baton's own site."""

from django.contrib.admin.apps import AdminConfig


class BatonAdminConfig(AdminConfig):
    default_site = "config.admin_site.BatonAdminSite"
