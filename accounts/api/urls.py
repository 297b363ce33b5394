"""/api/v1/connections/: how the access to the source is doing."""

from rest_framework.routers import SimpleRouter

from accounts.api import views

router = SimpleRouter()
router.register("connections", views.ConnectionViewSet)
router.register("organisations", views.OrganisationViewSet)

urlpatterns = router.urls
