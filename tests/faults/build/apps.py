"""What the test build adds to the product before it starts: adapters, quicker waits, a sabotage."""

import os
from datetime import timedelta

from django.apps import AppConfig

QUICKER = 15.0  # how much shorter the waits are that the product counts in half minutes


class BuildConfig(AppConfig):
    name = "tests.faults.build"
    label = "test_build"

    def ready(self) -> None:
        from destinations import registry
        from sharing import breaker
        from tests.faults.build import adapters, aimed, sabotage

        for adapter in adapters.ALL:
            registry.ADAPTERS[adapter.kind] = adapter
        breaker.FIRST_PAUSE = breaker.FIRST_PAUSE / QUICKER
        breaker.LONGEST_PAUSE = timedelta(seconds=10)
        aimed.watch()
        sabotage.commit(os.environ.get("BATON_SABOTAGE", ""))
