"""/api/v1/audit-entries/: the log, as exact bytes."""

from django.urls import path

from insight.api import views

urlpatterns = [path("audit-entries/", views.EntryList.as_view(), name="api_audit_entries")]
