"""/api/v1/: what sharing offers to other software."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from sharing.api import bulk, drift, remarks, stops, views

router = SimpleRouter()
router.register("athletes", views.AthleteViewSet)
router.register("plans", views.PlanViewSet)
router.register("versions", views.PlanVersionViewSet)
router.register("routes", views.RouteViewSet)
router.register("consents", views.ConsentViewSet)
router.register("deliveries", views.DeliveryViewSet)
router.register("bulk-actions", bulk.BulkActionViewSet)
router.register("remarks", remarks.RemarkViewSet)
router.register("drift", drift.DriftViewSet)
router.register("drift-checks", drift.DriftCheckViewSet)
router.register("quarantine", views.QuarantineViewSet)
router.register("quarantine-remarks", remarks.QuarantineRemarkViewSet)
router.register("stops", stops.StopViewSet)

urlpatterns = [
    *router.urls,
    path("dead-letters/", bulk.DeadLettersView.as_view()),
    path("ledger/", views.LedgerView.as_view()),
]
