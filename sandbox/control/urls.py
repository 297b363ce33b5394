"""The control API."""

from django.urls import path

from sandbox.control import scripting
from sandbox.destinations import calendar, intervals_icu
from sandbox.destinations import scripting as destinations

urlpatterns = [
    path("control/reset", scripting.reset),
    path("control/seed", scripting.seed),
    path("control/athletes", scripting.athletes),
    path("control/athletes/<int:athlete>", scripting.athlete),
    path("control/athletes/<int:athlete>/workouts", scripting.workouts),
    path("control/athletes/<int:athlete>/strength-workouts", scripting.strength_workouts),
    path("control/athletes/<int:athlete>/apply-plan", scripting.apply_plan),
    path("control/athletes/<int:athlete>/burst", scripting.burst),
    path("control/workouts/<int:workout>", scripting.workout),
    path("control/edits", scripting.edits),
    path("control/authorize", scripting.authorize),
    path("control/revoke", scripting.revoke),
    path("control/expire", scripting.expire),
    path("control/webhooks", scripting.post_webhook),
    path("control/subscriptions", scripting.subscriptions),
    path("control/switches", scripting.all_switches),
    path("control/inboxes", destinations.all_inboxes),
    path("control/inboxes/<str:inbox>", destinations.inbox),
    path("control/intervals", intervals_icu.control),
    path("control/intervals/<int:number>", intervals_icu.control_event),
    path("control/calendars", calendar.calendars),
    path("control/journal", scripting.read_journal),
    path("control/journal/latest", scripting.latest_of_journal),
    path("control/journal/<int:seq>/raw", scripting.raw_request),
]
