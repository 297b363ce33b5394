"""People, organisations, athletes, connections and consent."""

from accounts.models.connection import Connection, OAuthFlow
from accounts.models.consent import ConsentDecision, ConsentHead
from accounts.models.people import ApiToken, Assignment, Athlete, Membership, Organisation, User

__all__ = [
    "ApiToken",
    "Assignment",
    "Athlete",
    "Connection",
    "ConsentDecision",
    "ConsentHead",
    "Membership",
    "OAuthFlow",
    "Organisation",
    "User",
]
