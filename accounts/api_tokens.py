"""Keys for other software: made, used, revoked. Only the hash is kept, so a key is shown once."""

import secrets
from datetime import datetime, timedelta
from hashlib import sha256

from django.utils import timezone

from accounts import person_log
from accounts.models import ApiToken, User
from audit.log import audited_atomic

PREFIX = "baton_"
SHOWN = 12
NOTE_USE_EVERY = timedelta(minutes=5)


def make(user: User, name: str, expires_at: datetime | None = None) -> str:
    """A new key for this person. It can do what they may do."""
    key = PREFIX + secrets.token_urlsafe(32)
    with audited_atomic() as log:
        token = ApiToken.objects.create(
            user=user, name=name, prefix=key[:SHOWN], digest=digest(key), expires_at=expires_at
        )
        person_log.note(log, "api_token.made", user.email, token=str(token.pk))
    return key


def revoke(token: ApiToken) -> None:
    with audited_atomic() as log:
        ApiToken.objects.filter(pk=token.pk).update(revoked_at=timezone.now())
        person_log.note(log, "api_token.revoked", token.user.email, token=str(token.pk))


def find(key: str) -> ApiToken | None:
    """The live token of this key. That it was used is noted, not more often than needed."""
    now = timezone.now()
    token = (
        ApiToken.objects.select_related("user")
        .filter(digest=digest(key), revoked_at=None, user__is_active=True)
        .first()
    )
    if token is None or (token.expires_at and token.expires_at <= now):
        return None
    if token.last_used_at is None or token.last_used_at < now - NOTE_USE_EVERY:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token


def digest(key: str) -> str:
    return sha256(key.encode()).hexdigest()
