"""The Celery application. The broker only wakes workers up; what is due stands in the database."""

import os

from celery import Celery
from kombu.transport.redis import Channel

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")  # it would run them all and not ask how they went

app = Celery("baton")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

Channel.do_restore = False  # a call whose connection is lost is not missed (decision 0021)
