"""The back office: every write in it is one audited transaction."""

from collections.abc import Callable
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.decorators import secure_admin_login
from django.contrib.admin import AdminSite
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache

from audit.log import audited_atomic


class BatonAdminSite(AdminSite):
    site_header = "Baton back office"
    site_title = "Baton"
    index_title = "Consent, roles, destinations, audit"

    @method_decorator(never_cache)
    @login_not_required
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """By the front door, where tries are limited and noted."""
        return secure_admin_login(super().login)(request, extra_context)

    @method_decorator(never_cache)
    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        if request.method == "POST":
            get_adapter(request).logout(request)  # noted, as at the front door
        return super().logout(request, extra_context)

    def admin_view(self, view: Callable[..., HttpResponseBase], cacheable: bool = False) -> Any:  # noqa: FBT001, FBT002 - Django's signature
        def audited(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.method in {"GET", "HEAD", "OPTIONS"}:
                return view(request, *args, **kwargs)
            with audited_atomic():
                return view(request, *args, **kwargs)

        return super().admin_view(audited, cacheable)
