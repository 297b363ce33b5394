"""What a process of its own does before it dies where it is told to: `test_crashes.py`."""


def intake():
    """A hint comes in."""
    from sharing import intake
    from sharing.models import Source

    intake.record(Source.objects.get(), headers={}, body=b"{}")


def read(*workouts):
    """A source that is due is read; it holds these workouts, each (athlete, number, day)."""
    from sharing import reading
    from sharing.source import credentials
    from tests.sharing.source import fake_trainingpeaks

    credentials.token = lambda connection: "token"
    _, api = fake_trainingpeaks.start()
    for athlete, number, day in workouts:
        api.put(athlete, number, day)
    reading.read_due("crashing")
