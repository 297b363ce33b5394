"""A process of its own that takes in a hint or reads a source, and dies where it is told to."""

import json
import os
import sys

import django

if __name__ == "__main__":
    django.setup()
    from sharing import intake, reading
    from sharing.models import Source
    from sharing.source import credentials
    from tests.sharing.source import fake_trainingpeaks

    what, workouts = sys.argv[1], json.loads(sys.argv[2])
    if what == "intake":
        intake.record(Source.objects.get(), headers={}, body=b"{}")
    else:
        credentials.token = lambda connection: "token"
        _, api = fake_trainingpeaks.start()
        for athlete, number, day in workouts:
            api.put(athlete, number, day)
        reading.read_due("crashing")
    os._exit(0)
