"""The addresses of connections. The callback belongs to TrainingPeaks alone."""

from django.urls import path

from accounts import views

urlpatterns = [
    path("connections/", views.connections, name="connections"),
    path("connections/trainingpeaks/start/", views.start, name="connection_start"),
    path("connections/trainingpeaks/callback/", views.callback, name="connection_callback"),
    path("connections/calendar/", views.new_calendar, name="calendar_new"),
    path("connections/<uuid:pk>/calendar/", views.renew_calendar, name="calendar_renew"),
    path("connections/<uuid:pk>/disconnect/", views.disconnect, name="connection_disconnect"),
]
