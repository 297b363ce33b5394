"""/api/v1/audit-entries/: the log, as exact bytes; /api/v1/alerts/: what is wrong now."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from insight.api import alerts, views

router = SimpleRouter()
router.register("alerts", alerts.AlertViewSet)

urlpatterns = [
    *router.urls,
    path("audit-entries/", views.EntryList.as_view(), name="api_audit_entries"),
]
