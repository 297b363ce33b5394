"""Django settings. Values come from config.env; nothing here reads the environment by itself."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dj_database_url
import django_stubs_ext
from csp.constants import NONCE, NONE, SELF

from config import env as environment
from config.logging import logging_config

django_stubs_ext.monkeypatch()  # Django's own classes may then be written with their types

ENV = environment.read()
BASE_DIR = environment.BASE_DIR
PRODUCTION = ENV.baton_env == "production"
TLS = ENV.baton_public_url.startswith("https://")

SECRET_KEY = ENV.baton_secret_key
DEBUG = ENV.baton_debug
ALLOWED_HOSTS = [*ENV.baton_allowed_hosts, urlsplit(ENV.baton_public_url).hostname or "localhost"]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SITE_ID = 1

INSTALLED_APPS = [
    "config.apps.BatonAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "auditlog",
    "csp",
    "django_filters",
    "django_htmx",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "guardian",
    "rest_framework",
    "audit",
    "accounts",
    "destinations",
    "sharing",
    "insight",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "audit.middleware.ActorMiddleware",
    "auditlog.middleware.AuditlogMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "csp.middleware.CSPMiddleware",
    "insight.middleware.PrivatePages",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
            ]
        },
    }
]

# --- database: the record of work -------------------------------------------------------------

SQLITE_OPTIONS: dict[str, Any] = {
    "timeout": 10,  # seconds to wait for the one writer
    "transaction_mode": "IMMEDIATE",
    "init_command": (
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA recursive_triggers=ON;"
    ),
}
POSTGRES_OPTIONS: dict[str, Any] = {
    # A frozen process must not freeze the others: the server ends what holds them up.
    "options": (
        "-c idle_in_transaction_session_timeout=2s -c lock_timeout=5s -c statement_timeout=10s"
    ),
    # A server that has gone without a word is noticed.
    "connect_timeout": 3,
    "keepalives_idle": 5,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,  # milliseconds
}


def _database(url: str) -> dict[str, Any]:
    config: dict[str, Any] = dict(dj_database_url.parse(url, conn_max_age=60))
    sqlite = config["ENGINE"].endswith("sqlite3")
    if sqlite:
        config["ENGINE"] = "config.sqlite"
    config["OPTIONS"] = SQLITE_OPTIONS if sqlite else POSTGRES_OPTIONS
    config["CONN_HEALTH_CHECKS"] = not sqlite
    return config


DATABASES = {"default": _database(ENV.database_url)}

# --- broker and cache -------------------------------------------------------------------------

_REDIS = ENV.redis_url or f"unix://{BASE_DIR / 'var' / 'valkey.sock'}"


def _broker(url: str) -> str:
    return url.replace("unix://", "redis+socket://", 1)


CACHES = {
    "default": {
        "BACKEND": "config.cache.FallbackCache",
        "LOCATION": _REDIS,
        "KEY_PREFIX": "baton",
    }
}
CELERY_BROKER_URL = ENV.broker_url or _broker(_REDIS)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # a worker without a broker still delivers
CELERY_BROKER_CHANNEL_ERROR_RETRY = True  # a full one refuses commands: no reason to fall
CELERY_BROKER_CONNECTION_TIMEOUT = 2
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "ack_emulation": False,
    "socket_timeout": 5,
    "socket_connect_timeout": 1,
    "queue_order_strategy": "sorted",
}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_SOFT_TIME_LIMIT = 100
CELERY_TASK_TIME_LIMIT = 115
CELERY_TASK_DEFAULT_QUEUE = "baton"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_DB_REUSE_MAX = 1_000_000  # a connection lasts longer than a task; the task looks after it
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = {
    "wake-the-workers": {"task": "sharing.tasks.drain", "schedule": timedelta(seconds=10)},
}

# --- people, sessions, security ---------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "allauth.account.auth_backends.AuthenticationBackend",
    "guardian.backends.ObjectPermissionBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "mandatory" if PRODUCTION else "optional"
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
ACCOUNT_RATE_LIMITS = {"login_failed": "10/m/ip,5/5m/key"}
ANONYMOUS_USER_NAME = None

SESSION_COOKIE_AGE = int(timedelta(days=7).total_seconds())
SESSION_COOKIE_NAME = "__Host-baton" if TLS else "baton"
SESSION_COOKIE_SECURE = TLS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_NAME = "__Host-baton-csrf" if TLS else "baton-csrf"
CSRF_COOKIE_SECURE = TLS
CSRF_COOKIE_HTTPONLY = True
CSRF_TRUSTED_ORIGINS = [ENV.baton_public_url]
SECURE_SSL_REDIRECT = TLS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TLS else None
SECURE_HSTS_SECONDS = int(timedelta(days=365).total_seconds()) if TLS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = TLS
SECURE_HSTS_PRELOAD = TLS
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF, _origin(ENV.trainingpeaks_oauth_url)],  # connecting leads there
        "manifest-src": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

AUDITLOG_INCLUDE_ALL_MODELS = False
AUDITLOG_DISABLE_REMOTE_ADDR = True

# --- API --------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_PAGINATION_CLASS": "config.pagination.Pages",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.UserRateThrottle"],
    "DEFAULT_THROTTLE_RATES": {"user": "1200/min"},
    "PAGE_SIZE": 50,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Baton",
    "DESCRIPTION": "Plans, versions, consents, destinations, routes and deliveries.",
    "VERSION": "1.0.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "PlanKind": "sharing.models.plan.Plan.Kind",
        "RouteState": "sharing.models.route.Route.State",
        "DeliveryState": "sharing.models.lane.Delivery.State",
        "StepState": "sharing.models.lane.Step.State",
        "QuarantineState": "sharing.models.inbox.Quarantine.State",
        "BulkKind": "sharing.models.bulk.BulkAction.Kind",
        "BulkState": "sharing.models.bulk.BulkAction.State",
        "BulkItemState": "sharing.models.bulk.BulkItem.State",
        "AthleteState": "accounts.models.people.Athlete.State",
        "ConnectionState": "accounts.models.connection.Connection.State",
        "ConnectionKind": "accounts.models.connection.Connection.Kind",
        "DestinationState": "destinations.models.Destination.State",
        "Decision": "accounts.models.consent.ConsentDecision.Decision",
    },
}

# --- language, files, mail, logs --------------------------------------------------------------

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": (
            "whitenoise.storage.CompressedManifestStaticFilesStorage"
            if PRODUCTION
            else "django.contrib.staticfiles.storage.StaticFilesStorage"
        )
    },
}
WHITENOISE_USE_FINDERS = not PRODUCTION
DEFAULT_FROM_EMAIL = ENV.default_from_email


def _mail(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    if parts.scheme == "console":
        return {"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or 587,
        "EMAIL_HOST_USER": parts.username or "",
        "EMAIL_HOST_PASSWORD": parts.password or "",
        "EMAIL_USE_TLS": parts.scheme == "smtp",
        "EMAIL_TIMEOUT": 10,
    }


globals().update(_mail(ENV.email_url))
LOGGING = logging_config(ENV.baton_log_level)

# --- Baton ------------------------------------------------------------------------------------

BATON_PUBLIC_URL = ENV.baton_public_url.rstrip("/")
BATON_KEYS = ENV.baton_keys
BATON_ALLOW_LOOPBACK_DESTINATIONS = ENV.baton_allow_loopback_destinations
BATON_QUIET_PERIOD = timedelta(seconds=ENV.baton_quiet_period)
BATON_MAX_WAIT = timedelta(seconds=ENV.baton_max_wait)
BATON_FETCH_SPACING = timedelta(seconds=ENV.baton_fetch_spacing)
BATON_POLL_EVERY = timedelta(seconds=ENV.baton_poll_every)
BATON_WINDOW_WEEKS = ENV.baton_window_weeks
BATON_LEASE = timedelta(seconds=ENV.baton_lease_seconds)
BATON_REFRESH_LEASE = min(BATON_LEASE, timedelta(seconds=30))  # renewing a token takes 20 at most
BATON_SEND_DEADLINE = ENV.baton_send_deadline
BATON_PUMP_INTERVAL = ENV.baton_pump_interval
BATON_PUMP_THREADS = ENV.baton_pump_threads
BATON_INCARNATION = ENV.baton_incarnation
BATON_CHECKPOINT_KEY_FILE = Path(ENV.baton_checkpoint_key_file)  # only the signer opens it
BATON_CHECKPOINT_VKEYS_FILE = Path(ENV.baton_checkpoint_vkeys_file)
BATON_CHECKPOINT_MEMORY_FILE = Path(ENV.baton_checkpoint_memory_file)
BATON_CHECKPOINT_EVERY = timedelta(seconds=ENV.baton_checkpoint_every)
BATON_CHECKPOINT_ENTRIES = ENV.baton_checkpoint_entries
BATON_ANCHOR_FILE = Path(ENV.baton_anchor_file)
BATON_MARK_FILE = ENV.baton_mark_file
BATON_ERASURES_FILE = ENV.baton_erasures_file or str(BASE_DIR / "var" / "erasures.jsonl")
BATON_ERASURE_PATIENCE = timedelta(days=ENV.baton_erasure_patience_days)
BATON_ALERT_ERRORS = ENV.baton_alert_errors
BATON_ALERT_WINDOW = timedelta(seconds=ENV.baton_alert_window)
BATON_ALERT_TRIES = ENV.baton_alert_tries
BATON_ALERT_LATE = timedelta(seconds=ENV.baton_alert_late)
BATON_ALERT_UNREAD = timedelta(seconds=ENV.baton_alert_unread)
BATON_ALERT_TAKE_BACK = timedelta(seconds=ENV.baton_alert_take_back)
BATON_ALERT_JOB = timedelta(seconds=ENV.baton_alert_job)
BATON_ALERT_UNSETTLED = timedelta(seconds=ENV.baton_alert_unsettled)
BATON_ALERT_PUMP = timedelta(seconds=ENV.baton_alert_pump)
BATON_ALERT_BROKER = timedelta(seconds=ENV.baton_alert_broker)
BATON_ALERT_CLOCK = timedelta(seconds=ENV.baton_alert_clock)
BATON_ALERT_ANCHOR = timedelta(seconds=ENV.baton_alert_anchor)
BATON_ALERT_MAIL = ENV.baton_alert_mail
BATON_GUARD_FACTOR = ENV.baton_guard_factor
BATON_GUARD_FLOOR = ENV.baton_guard_floor
BATON_GUARD_LEAST = ENV.baton_guard_least
BATON_GUARD_FAILED_PERCENT = ENV.baton_guard_failed_percent

TRAININGPEAKS_API_URL = ENV.trainingpeaks_api_url.rstrip("/")
TRAININGPEAKS_OAUTH_URL = ENV.trainingpeaks_oauth_url.rstrip("/")
TRAININGPEAKS_CLIENT_ID = ENV.trainingpeaks_client_id
TRAININGPEAKS_CLIENT_SECRET = ENV.trainingpeaks_client_secret
TRAININGPEAKS_SCOPES = ENV.trainingpeaks_scopes.split()
TRAININGPEAKS_PKCE = ENV.trainingpeaks_pkce
TRAININGPEAKS_RATE_PER_SECOND = ENV.trainingpeaks_rate_per_second
TRAININGPEAKS_READINGS_PER_HOUR = ENV.trainingpeaks_readings_per_hour
TRAININGPEAKS_INSECURE_TRANSPORT = ENV.trainingpeaks_insecure_transport
TRAININGPEAKS_REDIRECT_URL = (
    ENV.trainingpeaks_redirect_url or f"{BATON_PUBLIC_URL}/connections/trainingpeaks/callback/"
)
