"""Settings of the tests: the product's own, with keys of their own."""

import base64
import os

os.environ.setdefault("BATON_SECRET_KEY", "tests-" + "k" * 50)
os.environ.setdefault("BATON_KEYS", "test1:" + base64.b64encode(bytes(range(32))).decode())
os.environ.setdefault("BATON_SECRETS_FILE", os.devnull)
os.environ.setdefault("BATON_CHECKPOINT_VKEYS_FILE", os.devnull)
os.environ.setdefault("BATON_ANCHOR_FILE", os.devnull)
os.environ.setdefault("EMAIL_URL", "console:")
os.environ.setdefault("TRAININGPEAKS_CLIENT_ID", "baton-tests")
os.environ.setdefault("TRAININGPEAKS_CLIENT_SECRET", "baton-tests-secret")

from config.settings import *  # noqa: F403 - the environment above comes first

BATON_MARK_FILE = ""  # a savepoint that is rolled back is a backup put back
if os.environ.get("BATON_TEST_SHARED_CACHE") != "1":
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
CELERY_TASK_ALWAYS_EAGER = False
STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"  # noqa: F405
DATABASES["default"].setdefault("TEST", {})  # noqa: F405
# Nobody pulls the plug on a test: its commits need not wait for the disk, unless they are measured.
MEASURED = any(name.startswith("BENCH_") for name in os.environ)
if "options" in DATABASES["default"]["OPTIONS"]:  # noqa: F405
    DATABASES["default"]["OPTIONS"] = POSTGRES_OPTIONS | {  # noqa: F405
        # A test may be one long transaction in which little is asked for a while.
        "options": f"{POSTGRES_OPTIONS['options']} -c idle_in_transaction_session_timeout=60s"  # noqa: F405
        f" -c synchronous_commit={'on' if MEASURED else 'off'}"
    }
if DATABASES["default"]["ENGINE"].endswith("sqlite"):  # noqa: F405
    DATABASES["default"]["OPTIONS"] = SQLITE_OPTIONS | {  # noqa: F405
        "init_command": f"{SQLITE_OPTIONS['init_command']}"  # noqa: F405
        f" PRAGMA synchronous={'FULL' if MEASURED else 'OFF'};"
    }
    DATABASES["default"]["TEST"]["NAME"] = (  # noqa: F405
        BASE_DIR / "var" / f"test-{os.environ.get('BATON_TEST_DB', 'suite')}.sqlite3"  # noqa: F405 - a file, so that threads share it
    )
