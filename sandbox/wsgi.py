"""The sandbox as a WSGI application."""

import os

from django.core.wsgi import get_wsgi_application

os.environ["DJANGO_SETTINGS_MODULE"] = "sandbox.settings"  # whatever the caller's own project is
application = get_wsgi_application()
