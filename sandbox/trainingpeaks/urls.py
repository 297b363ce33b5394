"""OAuth and the API under one base address. OAuth's paths do not mind their casing."""

from django.urls import path, re_path

from sandbox.trainingpeaks import (
    changed,
    oauth,
    pages,
    people,
    status,
    strength,
    structure,
    subscriptions,
    today,
    workouts,
)

urlpatterns = [
    re_path(r"^(?i:oauth/authorize)/?$", pages.authorize),
    re_path(r"^(?i:oauth/token)/?$", oauth.token),
    re_path(r"^(?i:oauth/deauthorize)/?$", oauth.deauthorize),
    path("v1/info/version", status.version),
    path("v1/athlete/profile", people.athlete_profile),
    path("v1/coach/profile", people.coach_profile),
    path("v1/coach/athletes", people.coach_athletes),
    path("v1/coach/assistants", people.assistants),
    path("v1/coach/assistants/<int:assistant>", people.assistants),
    path("v1/coach/assistants/<int:assistant>/athletes", people.assistant_athletes),
    path("v1/webhook/subscriptions", subscriptions.subscriptions),
    path("v1/webhook/subscriptions/<str:number>", subscriptions.subscription),
    re_path(r"^v2/workouts/wod/file/(?P<workout>\d+)/?$", structure.workout_file),
    re_path(r"^v2/workouts/wod/(?P<day>\d{4}-\d\d-\d\d)/?$", today.of_the_day),
    path("v2/workouts/changed", changed.changed),
    path("v2/workouts/<int:athlete>/changed", changed.changed),
    path("v2/workouts/id/<int:workout>", workouts.by_id),
    path("v2/workouts/<int:athlete>/id/<int:workout>", workouts.by_id),
    re_path(
        r"^v2/workouts/(?P<start>\d{4}-\d\d-\d\d)/(?P<end>\d{4}-\d\d-\d\d)/?$", workouts.by_range
    ),
    path("v2/workouts/<int:athlete>/<str:start>/<str:end>", workouts.by_range),
    path("v2/athletes/<int:athlete>/strength-workouts", strength.strength_workouts),
]
