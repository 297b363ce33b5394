"""Every address of Baton. Each room brings its own."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView

from insight.views.api_docs import api_docs

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("insight.urls")),
    path("", include("sharing.urls")),
    path("", include("sharing.hooks")),
    path("", include("destinations.urls")),
    path("", include("accounts.urls")),
    path("accounts/", include("allauth.account.urls")),
    path("api/v1/", include("sharing.api.urls")),
    path("api/v1/", include("destinations.api.urls")),
    path("api/v1/", include("accounts.api.urls")),
    path("api/v1/", include("insight.api.urls")),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", api_docs, name="api_docs"),
    path("back-office/", admin.site.urls),
]
