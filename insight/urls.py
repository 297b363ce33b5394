"""The addresses of home, the audit trail and health."""

from django.urls import path

from insight.views import audit, health, home, probes

urlpatterns = [
    path("", home.home, name="home"),
    path("audit/", audit.audit, name="audit"),
    path("audit/verification/", audit.verification, name="audit_verify"),
    path("health/", health.health, name="health"),
    path("live/", probes.live, name="live"),
    path("ready/", probes.ready, name="ready"),
]
