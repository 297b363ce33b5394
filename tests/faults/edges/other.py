"""Another process at work on the test's own database: it dies or stops where it is told to."""

from tests.faults.servers.forks import Fork, database_url

DEADLINE = 2.0  # seconds for its exchanges, the first of which is slow on a busy machine


class Other(Fork):
    """`Other(log, "deliver", at="P14")` does this, at once, and is killed there."""

    def __init__(self, log, what, at="", **settings):
        super().__init__(
            f"{__name__}:{what}",
            database=database_url(),
            log=log,
            at=at,
            **{
                "BATON_SEND_DEADLINE": DEADLINE,
                "BATON_ALLOW_LOOPBACK_DESTINATIONS": True,
                **settings,
            },
        )


# --- what it can do -------------------------------------------------------------------------------


def deliver():
    from destinations import registry
    from sharing import deliveries
    from tests.faults.edges.register import RegisterAdapter

    registry.ADAPTERS[RegisterAdapter.kind] = RegisterAdapter
    deliveries.deliver_due("other")


def deliver_with_the_limits_of_the_product():
    """The server ends who sleeps in a transaction as soon as it does outside of the tests; whoever
    meets that looks again, as a pump does.
    """
    from django.conf import settings
    from django.db import DatabaseError, connection

    if connection.vendor == "postgresql":
        connection.settings_dict["OPTIONS"] = settings.POSTGRES_OPTIONS
    try:
        deliver()
    except DatabaseError:
        connection.close()
        deliver()


def withdraw():
    from accounts.models import Athlete
    from destinations.models import Destination
    from sharing import consents
    from tests.faults.edges.road import BY_LINK

    consents.withdraw(Athlete.objects.get(), Destination.objects.get(), basis=BY_LINK)


def renew():
    from accounts import tokens
    from accounts.models import Connection

    tokens.fresh_access_token(Connection.objects.get().pk)


def rotate():
    from django.core.management import call_command

    call_command("rotate_keys", batch=1)
