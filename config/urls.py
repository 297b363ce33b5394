"""Every address of Baton. Each room brings its own."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("back-office/", admin.site.urls),
]
