"""Imported by a process that others are copied from: Django, and what every copy needs."""

from importlib import import_module

import django

NEEDED = (
    "accounts.rotation",
    "sharing.consents",
    "sharing.deliveries",
    "sharing.intake",
    "sharing.reading",
    "tests.faults.edges.register",
    "tests.faults.edges.road",
    "tests.sharing.source.fake_trainingpeaks",
)

django.setup()
for name in NEEDED:
    import_module(name)
