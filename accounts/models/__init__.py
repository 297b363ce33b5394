"""People, organisations, athletes, connections and consent."""

from accounts.models.connection import Connection, OAuthFlow
from accounts.models.consent import ConsentDecision, ConsentHead
from accounts.models.erasure import Erasure
from accounts.models.people import ApiToken, Athlete, Cohort, Membership, Organisation, User
from accounts.models.permissions import AthleteGroupObjectPermission, AthleteUserObjectPermission

__all__ = [
    "ApiToken",
    "Athlete",
    "AthleteGroupObjectPermission",
    "AthleteUserObjectPermission",
    "Cohort",
    "Connection",
    "ConsentDecision",
    "ConsentHead",
    "Erasure",
    "Membership",
    "OAuthFlow",
    "Organisation",
    "User",
]
