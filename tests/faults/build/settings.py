"""The settings of the test build: the product's own, with destinations of every class."""

import os
from datetime import timedelta

from config.settings import *  # noqa: F403 - the test build is the product and a little more

INSTALLED_APPS = [*INSTALLED_APPS, "tests.faults.build"]  # noqa: F405 - from the product
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
CELERY_BEAT_SCHEDULE = (
    {}
    if os.environ.get("BATON_SABOTAGE") == "N06"
    else {
        "wake-the-workers": {"task": "sharing.tasks.drain", "schedule": timedelta(seconds=2)},
    }
)
