"""/api/v1/: what sharing offers to other software."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from sharing.api import views

router = SimpleRouter()
router.register("athletes", views.AthleteViewSet)
router.register("plans", views.PlanViewSet)
router.register("versions", views.PlanVersionViewSet)
router.register("routes", views.RouteViewSet)
router.register("consents", views.ConsentViewSet)
router.register("deliveries", views.DeliveryViewSet)
router.register("quarantine", views.QuarantineViewSet)

urlpatterns = [*router.urls, path("ledger/", views.LedgerView.as_view())]
