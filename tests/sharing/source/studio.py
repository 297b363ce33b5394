"""Ana's studio with a connection to TrainingPeaks: Ben is on her roster and has a source."""

from dataclasses import dataclass
from datetime import timedelta

from accounts.models import Athlete, Connection
from sharing import clock, reading, windows
from sharing.models import Hint, PlanVersion, Source
from tests.sharing import world

BEN = 54321


@dataclass
class Studio:
    world: world.World
    connection: Connection
    api: object

    @property
    def ben(self) -> Athlete:
        return Athlete.objects.get(pk=self.world.ben.pk)

    @property
    def source(self) -> Source:
        return Source.objects.select_related("athlete__connection").get(athlete=self.world.ben)

    @property
    def monday(self):
        today = windows.local_day("Europe/Paris", clock.now())
        return today - timedelta(days=today.weekday())

    def day(self, number):
        """A day of this week (0 is Monday) or of a later one."""
        return self.monday + timedelta(days=number)

    def versions(self):
        return list(PlanVersion.objects.filter(plan=self.world.plan).order_by("version"))

    def newest(self):
        return self.versions()[-1].canonical()

    def titles(self):
        return [session.title for session in self.newest().exercise_list]

    def make_due(self):
        """Let every wait be over: time passes in the rows, not in the test."""
        past = clock.now() - timedelta(minutes=5)
        Source.objects.update(due_at=past, lease_until=past)

    def read(self):
        """Everything that is out of date is read, as a worker would."""
        count = 0
        self.make_due()
        while reading.read_due("test"):
            self.make_due()
            count += 1
            assert count < 20, "reading does not come to an end"
        return count

    def hints(self, kind=Hint.Kind.WEBHOOK):
        return list(Hint.objects.filter(source=self.source, kind=kind).order_by("seq"))


def build(api, **athlete) -> Studio:
    made = world.build()
    connection = Connection.objects.create(
        organisation=made.organisation, user=made.ana, name="Ana's TrainingPeaks"
    )
    values = {"connection": connection, "source_id": BEN, "is_premium": True, **athlete}
    Athlete.objects.filter(pk=made.ben.pk).update(**values)
    made.ben.refresh_from_db()
    Source.objects.create(athlete=made.ben)
    api.athletes = [roster_entry(BEN)]
    return Studio(made, connection, api)


def roster_entry(number, **fields):
    return {
        "Id": number,
        "FirstName": "Ben",
        "LastName": "",
        "Email": "ben@example.com",
        "TimeZone": "Europe/Paris",
        "CoachedBy": 7,
        "IsPremium": True,
        **fields,
    }
