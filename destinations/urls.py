"""The addresses of the destination pages."""

from django.urls import path

from destinations import views

urlpatterns = [
    path("destinations/", views.destinations, name="destinations"),
    path("destinations/new/", views.kinds, name="destination_kinds"),
    path("destinations/new/<slug:kind>/", views.new, name="destination_new"),
    path("destinations/<uuid:pk>/", views.destination, name="destination"),
    path("destinations/<uuid:pk>/change/", views.edit, name="destination_edit"),
    path("destinations/<uuid:pk>/test/", views.test, name="destination_test"),
    path("destinations/<uuid:pk>/state/", views.set_state, name="destination_state"),
    path("destinations/<uuid:pk>/stage/", views.set_stage, name="destination_stage"),
    path("destinations/<uuid:pk>/secret/", views.show_secret, name="destination_secret"),
]
