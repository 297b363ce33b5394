"""Settings of the sandbox's own small Django project. It has no Django database at all."""

from pathlib import Path

HERE = Path(__file__).parent

SECRET_KEY = "the sandbox protects nothing"  # noqa: S105 - signs only form tokens on this machine
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]"]
ROOT_URLCONF = "sandbox.urls"
WSGI_APPLICATION = "sandbox.wsgi.application"
APPEND_SLASH = False
USE_TZ = True
TIME_ZONE = "UTC"
INSTALLED_APPS: list[str] = []
MIDDLEWARE = [
    "sandbox.middleware.JournalMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [HERE / "templates"],
        "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
    }
]
CSRF_COOKIE_NAME = "sandbox_csrf"
DATA_UPLOAD_MAX_MEMORY_SIZE = 20 * 1024 * 1024
STATIC_DIRECTORY = HERE / "static"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {"django.request": {"level": "CRITICAL"}},
}
