"""/api/v1/destinations/ and what kinds there are."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from destinations.api import views

router = SimpleRouter()
router.register("destinations", views.DestinationViewSet)

urlpatterns = [*router.urls, path("destination-kinds/", views.KindsView.as_view())]
