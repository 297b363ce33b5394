"""The pages."""

from django.urls import path

from sandbox.pages import calendar, feeds, overview

ATHLETE = "athletes/<int:athlete>"
WORKOUT = f"{ATHLETE}/workouts/<int:workout>"

urlpatterns = [
    path("", overview.home),
    path("seed", overview.seed),
    path(ATHLETE, calendar.athlete),
    path(f"{ATHLETE}/new", calendar.add),
    path(f"{ATHLETE}/apply-plan", calendar.apply_plan),
    path(WORKOUT, calendar.edit),
    path(f"{WORKOUT}/move", calendar.move),
    path(f"{WORKOUT}/delete", calendar.delete),
    path("inboxes", overview.destinations),
    path("inboxes/new", overview.make_inbox),
    path("inboxes/<str:inbox>", overview.inbox),
    path("inboxes/<str:inbox>/answer", overview.answer),
    path("calendars", feeds.feeds),
    path("calendars/subscribe", feeds.subscribe),
    path("calendars/poll", feeds.poll),
    path("calendars/end", feeds.end),
    path("switches", overview.switchboard),
    path("switches/set", overview.set_switch),
    path("journal", overview.whole_journal),
    path("static/<path:path>", overview.static),
]
