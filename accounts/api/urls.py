"""/api/v1/connections/, /organisations/ and /cohorts/."""

from rest_framework.routers import SimpleRouter

from accounts.api import cohorts, views

router = SimpleRouter()
router.register("connections", views.ConnectionViewSet)
router.register("organisations", views.OrganisationViewSet)
router.register("cohorts", cohorts.CohortViewSet)

urlpatterns = router.urls
