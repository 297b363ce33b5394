"""`python -m tests.faults.servers.studio URL ATHLETES`: a small studio in the database of this
environment, connected to the sandbox there, sharing everything with one webhook inbox, and
everything delivered.

Runs in a process of its own, because the test's own process has another database.
"""

import sys
import time

import django

INBOX = "portal"
OWNER, PASSWORD = "ana@keller.example", "whoever owns the studio"
WEEKS = 3  # from last week on: on a Sunday, too, there are sessions to come
DELIVERS_WITHIN = 120.0  # seconds; a few on an idle machine


def main(url: str, athletes: int) -> None:
    from accounts import consent
    from insight.demo import studio
    from insight.demo.sandbox import Sandbox
    from sharing import consents, pump, routes

    sandbox = Sandbox(url)
    sandbox.post("/control/reset")
    sandbox.post("/control/seed", {"studio": "demo", "athletes": athletes, "weeks": WEEKS})
    organisation, ana, _ = studio.people(PASSWORD)
    connection = studio.connect(sandbox, ana, organisation)
    roster = studio.read_roster(connection)
    portal, _ = studio.destinations(sandbox, organisation, ana)
    terms = consent.Terms(fields=studio.FIELDS, purpose=studio.PURPOSE)
    for athlete in roster:
        consents.grant(athlete, portal, terms=terms, basis=consent.Basis())
    wish = routes.RouteSettings(
        name="Everything", purpose="training", fields=dict.fromkeys(studio.FIELDS, studio.PURPOSE)
    )
    routes.open_route(organisation, portal, wish)
    deadline = time.monotonic() + DELIVERS_WITHIN
    while len(sandbox.get(f"/control/inboxes/{INBOX}")["plans"]) < athletes:
        pump.drain("studio", budget=DELIVERS_WITHIN)
        assert time.monotonic() < deadline, "The studio's plans did not arrive."


if __name__ == "__main__":
    django.setup()
    main(sys.argv[1], int(sys.argv[2]))
