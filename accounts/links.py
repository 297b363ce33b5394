"""The athlete's own address: no account, no password; the link is the key and can be renewed."""

from uuid import UUID

from django.core import signing

from accounts.models import Athlete
from audit.log import audited_atomic

SALT = "baton.athlete-link"


def athlete_link_token(athlete: Athlete) -> str:
    """The token of the athlete's page. The same until the link is renewed."""
    return signing.dumps([athlete.pk.hex, athlete.link_generation], salt=SALT)


def athlete_from_token(token: str) -> Athlete | None:
    """The athlete behind a link, or None: not ours, altered, renewed since, or being erased."""
    try:
        identity, generation = signing.loads(token, salt=SALT)
        athlete = Athlete.objects.select_related("organisation").get(pk=UUID(identity))
    except (signing.BadSignature, Athlete.DoesNotExist, ValueError, TypeError):
        return None
    valid = athlete.link_generation == generation and not athlete.is_leaving
    return athlete if valid else None


def renew(athlete: Athlete) -> None:
    """Give the athlete a new link; the old one stops at once."""
    with audited_atomic() as log:
        row = Athlete.objects.select_for_update(no_key=True).get(pk=athlete.pk)
        row.link_generation += 1
        row.save(update_fields=["link_generation"])
        log.record("athlete.link.renewed", organisation=row.organisation_id, subject=row.pseudonym)
    athlete.link_generation = row.link_generation
