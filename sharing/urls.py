"""The addresses of the sharing pages."""

from django.urls import path

from sharing.views import athlete_page, deliveries, feed, plans, quarantine, roster, routes

urlpatterns = [
    path("athletes/", roster.roster, name="roster"),
    path("athletes/consents/", roster.record_consents, name="record_consents"),
    path("athletes/<uuid:pk>/", roster.athlete, name="athlete"),
    path("athletes/<uuid:pk>/read/", roster.read_again, name="athlete_read"),
    path("athletes/<uuid:pk>/link/", roster.renew_link, name="athlete_link_renew"),
    path("plans/<uuid:pk>/", plans.plan, name="plan"),
    path("plans/<uuid:pk>/status/", plans.plan_status, name="plan_status"),
    path("plans/<uuid:pk>/versions/<int:number>/", plans.plan_version, name="plan_version"),
    path("deliveries/", deliveries.deliveries, name="deliveries"),
    path("deliveries/<uuid:pk>/", deliveries.delivery, name="delivery"),
    path("deliveries/<uuid:pk>/redeliver/", deliveries.redeliver, name="delivery_redeliver"),
    path("deliveries/<uuid:pk>/settle/", deliveries.settle_unknown, name="delivery_settle"),
    path("routes/", routes.routes, name="routes"),
    path("routes/new/<uuid:destination>/", routes.new, name="route_new"),
    path("routes/<uuid:pk>/", routes.route, name="route"),
    path("routes/<uuid:pk>/change/", routes.edit, name="route_edit"),
    path("routes/<uuid:pk>/state/", routes.set_state, name="route_state"),
    path("quarantine/", quarantine.quarantine, name="quarantine"),
    path("quarantine/<uuid:pk>/replay/", quarantine.replay, name="quarantine_replay"),
    path("quarantine/<uuid:pk>/dismiss/", quarantine.dismiss, name="quarantine_dismiss"),
    path("feeds/<uuid:feed_id>/<str:token>.ics", feed.feed, name="feed"),
    path("a/<str:token>/", athlete_page.athlete_page, name="athlete_page"),
]
