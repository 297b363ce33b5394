"""One destination on the real road: Ana's studio, the engine in this process, a real socket."""

from dataclasses import dataclass

from accounts import consent
from destinations.models import Destination
from sharing import clock, consents, deliveries
from sharing.ledger import lanes_with_a_gap, ledger
from sharing.models import Attempt, Delivery, Lane, Limiter
from tests.faults.edges.receivers import GONE, Receiver
from tests.sharing import world

BY_LINK = consent.Basis(kind="athlete_link")


@dataclass
class Road:
    world: world.World
    receiver: Receiver

    @property
    def destination(self):
        return Destination.objects.get(pk=self.world.destination.pk)

    @property
    def lane(self):
        return self.world.lane

    @property
    def newest(self):
        return self.world.deliveries()[-1]

    @property
    def attempts(self):
        return list(Attempt.objects.order_by("started_at", "number"))

    def publish(self, number, **fields):
        """Version `number` of Ben's plan: its title says which it is."""
        self.world.publish(world.session("tp-1", title=f"v{number}", **fields))

    def wait_is_over(self):
        """The schedule's wait and the limiter's are over; a lane that is held stays held."""
        Lane.objects.update(due_at=clock.now())
        Limiter.objects.all().delete()
        Destination.objects.update(held_until=clock.now())

    def send(self):
        """One attempt, now; the attempt."""
        self.wait_is_over()
        before = Attempt.objects.count()
        assert deliveries.deliver_due("worker")
        assert Attempt.objects.count() == before + 1, "nothing was tried"
        return self.attempts[-1]

    def due(self):
        """Do what is due, if anything is."""
        return deliveries.deliver_due("worker")

    def held(self):
        """Whether the lane may not send, although every other wait is over."""
        self.wait_is_over()
        return not self.due()

    def drain(self):
        """Time passes in the rows until nothing is owed any more."""
        for _ in range(30):
            self.world.make_due()
            Limiter.objects.all().delete()
            Destination.objects.update(held_until=clock.now())
            Destination.objects.update(breaker_until=clock.now())
            if not deliveries.deliver_due("worker"):
                return
        raise AssertionError("there is no end to it")

    def take_over(self):
        """Whoever had the lane is given up; and when the lane is held no longer, it goes on."""
        self.drain()
        self.drain()

    def check(self):
        """I1 to I4, as the receiver saw it: nothing lost, one effect each, in order, by consent."""
        self.drain()
        made = [f"v{delivery.version.version}" for delivery in self.world.deliveries()]
        effects = self.receiver.effects
        assert effects[-1] == made[-1], "the newest version is not what is there"  # I1
        assert len(set(effects)) == len(effects), "an effect happened twice"  # I2
        assert effects == sorted(effects, key=made.index), "out of order"  # I3
        self._check_the_rows()
        self._withdraw()

    def _check_the_rows(self):
        assert lanes_with_a_gap() == []
        assert ledger().balanced
        assert not Delivery.objects.filter(state=Delivery.State.WAITING).exists()
        assert all(attempt.consent_id for attempt in self.attempts)

    def _withdraw(self):
        consents.withdraw(self.world.ben, self.destination, basis=BY_LINK)
        self.drain()
        assert self.receiver.effects[-1] == GONE  # I4: taken back …
        seen = len(self.receiver.requests)
        self.publish(self.newest.version.version + 1)
        self.drain()
        assert len(self.receiver.requests) == seen  # … and nothing follows


def build(receiver: Receiver, **options) -> Road:
    made = world.build(
        kind=receiver.kind, idempotency_class=receiver.idempotency, endpoint="edge", **options
    )
    made.destination.configure(receiver.settings())
    made.destination.save()
    made.publish(world.session("tp-1", title="v1"))
    road = Road(made, receiver)
    road.drain()
    assert receiver.requests == [], "it left without consent"  # I4
    return road


def agree(road: Road) -> None:
    """Ben agrees: the newest version is owed from now on."""
    terms = consent.Terms(fields=world.FIELDS, purpose="carry out the plan")
    consents.grant(road.world.ben, road.destination, terms=terms, basis=BY_LINK)
