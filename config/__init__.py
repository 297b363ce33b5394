"""Settings, URLs and processes: what turns the rooms into a running program."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
