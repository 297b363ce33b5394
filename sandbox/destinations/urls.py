"""The simulated destinations."""

from django.urls import path

from sandbox.destinations import intervals_icu, webhook

API = "intervals/api/v1/athlete/<str:athlete>"

urlpatterns = [
    path("webhook/<str:inbox>", webhook.receive),
    path(API, intervals_icu.profile),
    path(f"{API}/events", intervals_icu.events),
    path(f"{API}/events/bulk", intervals_icu.bulk),
    path(f"{API}/events/bulk-delete", intervals_icu.bulk_delete),
    path(f"{API}/events/<int:number>", intervals_icu.event),
]
