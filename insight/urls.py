"""The addresses of home, alerts, conservation, the audit trail and health."""

from django.urls import path

from insight.views import alerts, audit, conservation, health, home, probes

urlpatterns = [
    path("", home.home, name="home"),
    path("alerts/", alerts.alerts, name="alerts"),
    path("alerts/<uuid:pk>/", alerts.alert, name="alert"),
    path("alerts/<uuid:pk>/acknowledge/", alerts.acknowledge, name="alert_acknowledge"),
    path("conservation/", conservation.conservation, name="conservation"),
    path("audit/", audit.audit, name="audit"),
    path("audit/verification/", audit.verification, name="audit_verify"),
    path("health/", health.health, name="health"),
    path("live/", probes.live, name="live"),
    path("ready/", probes.ready, name="ready"),
]
