"""The people of the harness, in a process of the test build: they agree, withdraw, are erased."""

import json
import logging
import random
import sys
import time
from datetime import timedelta
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import DatabaseError, connection
from django.db.models import F

from accounts import consent
from accounts.models import Athlete, Connection
from destinations import services
from destinations.models import Destination
from insight.demo import studio
from insight.demo.sandbox import Sandbox
from plans.fields import MINIMAL_FIELDS
from sharing import consents, redeliver, routes
from sharing.erasure import asking, finishing
from sharing.models import Delivery, Route, Stop
from sharing.stops import putting, scopes

logger = logging.getLogger(__name__)

FIELDS = sorted(MINIMAL_FIELDS)
PURPOSE = "carry out the plan"
ZONE = "Europe/Berlin"
TRIES = 40
SCHEDULE = [0, 0.3, 0.6, 1, 1, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4]
Answer = dict[str, Any]


def set_up(sandbox: str, destinations: list[Answer], seed: int) -> Answer:
    """Coach, connection, roster, destinations, routes and consents; who is where is the answer.

    Each destination names its kind, its share of the athletes, its URL and its limits.
    """
    organisation, ana, _ = studio.people("harness-password")
    access = studio.connect(Sandbox(sandbox), ana, organisation)
    athletes = studio.read_roster(access)
    chance = random.Random(seed)
    made = []
    for wish in destinations:
        chosen = chance.sample(athletes, round(len(athletes) * wish["share"]))
        made.append(_destination(organisation, ana, wish, chosen))
    return {
        "athletes": {str(athlete.source_id): str(athlete.pk) for athlete in athletes},
        "destinations": made,
    }


def _destination(organisation: Any, owner: Any, wish: Answer, chosen: list[Athlete]) -> Answer:
    destination = services.create(
        organisation,
        owner,
        kind=wish["kind"],
        name=wish["name"],
        answers={"url": wish["url"], "token": wish["token"]},
        **wish["limits"],
    )
    Destination.objects.filter(pk=destination.pk).update(
        late_apply_window=timedelta(seconds=wish["late_apply_window"]), schedule=SCHEDULE
    )
    terms = consent.Terms(fields=FIELDS, purpose=PURPOSE)
    for athlete in chosen:
        consents.grant(athlete, destination, terms=terms, basis=consent.Basis())
    if wish["open"]:
        _open(destination, chosen)
    return {
        "id": str(destination.pk),
        "name": wish["name"],
        "kind": wish["kind"],
        "athletes": [athlete.source_id for athlete in chosen],
    }


def _open(destination: Destination, athletes: list[Athlete]) -> None:
    routes.open_route(
        destination.organisation,
        destination,
        routes.RouteSettings(
            name=f"Plans to {destination.name}",
            purpose=PURPOSE,
            fields=dict.fromkeys(FIELDS, PURPOSE),
            audience=Route.Audience.CHOSEN,
            athletes=[athlete.pk for athlete in athletes],
        ),
    )


def open_route(destination: str) -> Answer:
    """To everybody who agreed to it; what is newest is promised at once."""
    there = Destination.objects.get(pk=destination)
    agreed = Athlete.objects.filter(consents__destination_id=there.pk).distinct()
    _open(there, list(agreed))
    return {}


def reconnect(sandbox: str) -> Answer:
    """The coach clicks “Connect again” and says yes on the source's page."""
    connection = Connection.objects.get()
    studio.connect(Sandbox(sandbox), connection.user, connection.organisation)
    return {}


def deliver_again() -> Answer:
    """The admin reads what was quarantined because workers died over it, and sends it again."""
    quarantined = Delivery.objects.filter(state=Delivery.State.DEAD, reason="crashes")
    last = quarantined.filter(revision=F("lane__desired")).select_related("lane")
    return {"deliveries": [str(redeliver.redeliver(delivery).pk) for delivery in last]}


def withdraw(athlete: str, destination: str) -> Answer:
    decision = consents.withdraw(*_pair(athlete, destination), basis=consent.Basis())
    return {"decision": str(decision.pk)}


def grant(athlete: str, destination: str) -> Answer:
    terms = consent.Terms(fields=FIELDS, purpose=PURPOSE)
    decision = consents.grant(*_pair(athlete, destination), terms=terms, basis=consent.Basis())
    return {"decision": str(decision.pk)}


def erase(athlete: str) -> Answer:
    return {"erasure": str(asking.ask(Athlete.objects.get(pk=athlete)).pk)}


def erase_now(athlete: str) -> Answer:
    """Ask, and do what the next look of the regular job would do."""
    return {**erase(athlete), "finished": finishing.finish_due()}


def _pair(athlete: str, destination: str) -> tuple[Athlete, Destination]:
    return Athlete.objects.get(pk=athlete), Destination.objects.get(pk=destination)


def pause(destination: str) -> Answer:
    services.pause(Destination.objects.get(pk=destination), "harness")
    return {}


def resume(destination: str) -> Answer:
    services.resume(Destination.objects.get(pk=destination))
    return {}


def put_stop(scope: str, target: str, mode: str) -> Answer:
    thing = scopes.SCOPES[scope].rows.objects.get(pk=target) if scope else None
    return {"stop": str(putting.put(thing, mode, reason="harness").pk)}


def lift_stop(stop: str) -> Answer:
    putting.lift(Stop.objects.get(pk=stop))
    return {}


def manage(arguments: list[str]) -> Answer:
    call_command(*arguments)
    return {}


DO = {
    command.__name__: command
    for command in (
        set_up,
        open_route,
        reconnect,
        deliver_again,
        withdraw,
        grant,
        erase,
        erase_now,
        pause,
        resume,
        put_stop,
        lift_stop,
        manage,
    )
}


def obeyed(command: Answer) -> Answer:
    do = DO[command.pop("do")]
    for _ in range(TRIES):
        try:
            return {"ok": do(**command), "at": time.time()}
        except DatabaseError as error:
            logger.warning("%s: %s; once more.", do.__name__, error)
            connection.close()
            time.sleep(0.5)
    return {"error": f"{do.__name__} did not succeed in {TRIES} tries"}


class Command(BaseCommand):
    help = """Read one JSON object per line (`{"do": name, …}`) and answer each with one.

    Whatever the database does, a command is tried until it is done: a person clicks again.
    """

    def handle(self, *args: Any, **options: Any) -> None:
        said, sys.stdout = sys.stdout, sys.stderr  # whatever a command prints is no answer
        for line in sys.stdin:
            said.write(json.dumps(obeyed(json.loads(line))) + "\n")
            said.flush()
