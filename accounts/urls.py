"""The addresses of connections. The callback belongs to TrainingPeaks alone."""

from django.urls import path

from accounts import views

urlpatterns = [
    path("connections/", views.connections, name="connections"),
    path("connections/trainingpeaks/start/", views.start, name="connection_start"),
    path("connections/trainingpeaks/callback/", views.callback, name="connection_callback"),
    path("connections/<uuid:pk>/disconnect/", views.disconnect, name="connection_disconnect"),
]
