"""`python -m sandbox [--host …] [--port …]`: one process with threads, ended cleanly by SIGTERM."""

import argparse
import os
from typing import Any

from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]  # it tells no types

os.environ["DJANGO_SETTINGS_MODULE"] = "sandbox.settings"

from sandbox import settings, store
from sandbox.trainingpeaks import hooks
from sandbox.wsgi import application

THREADS = 16  # a slow answer holds one


class Server(BaseApplication):  # type: ignore[misc]  # gunicorn tells no types
    """gunicorn with a single worker: the thread that posts webhooks lives in it."""

    def __init__(self, host: str, port: int) -> None:
        self.address = f"{host}:{port}"
        super().__init__()

    def load_config(self) -> None:
        told: dict[str, Any] = {
            "bind": self.address,
            "workers": 1,
            "threads": THREADS,
            "worker_class": "gthread",
            "graceful_timeout": 2,
            "timeout": 120,
            "keepalive": 5,
            "loglevel": "warning",
            "control_socket_disable": True,
            "post_worker_init": lambda worker: hooks.start(),
        }
        for name, value in told.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        return application


def main() -> None:
    parser = argparse.ArgumentParser(prog="sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=int(os.environ.get("SANDBOX_PORT", "8765")))
    parser.add_argument("--host", default=os.environ.get("SANDBOX_HOST", "127.0.0.1"))
    told = parser.parse_args()
    settings.ALLOWED_HOSTS.append(told.host)
    store.prepare()
    Server(told.host, told.port).run()


if __name__ == "__main__":
    main()
