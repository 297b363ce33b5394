"""The back office: every write in it is one audited transaction."""

from collections.abc import Callable
from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from audit.log import audited_atomic


class BatonAdminSite(AdminSite):
    site_header = "Baton back office"
    site_title = "Baton"
    index_title = "Consent, roles, destinations, audit"

    def admin_view(self, view: Callable[..., HttpResponseBase], cacheable: bool = False) -> Any:  # noqa: FBT001, FBT002 - Django's signature
        def audited(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.method in {"GET", "HEAD", "OPTIONS"}:
                return view(request, *args, **kwargs)
            with audited_atomic():
                return view(request, *args, **kwargs)

        return super().admin_view(audited, cacheable)
