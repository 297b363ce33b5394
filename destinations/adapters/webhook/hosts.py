"""Hosts whose addresses start an automation: it runs at every call, whatever the message id."""

import re

from destinations.http.url import target

LABEL = r"[a-z0-9_-]+"  # one part of a name
NO_CODE = re.compile(
    rf"""
      hooks\.zapier\.com
    | hook\.({LABEL}\.)?integromat\.com
    | hook\.{LABEL}\.make(\.celonis)?\.com  # the zone: eu1, us2, …
    | {LABEL}\.app\.n8n\.cloud
    | maker\.ifttt\.com
    | ({LABEL}\.)+logic\.azure\.com  # Power Automate, and what it is made of
    | ({LABEL}\.)+api\.powerplatform\.com
    | {LABEL}\.m\.pipedream\.net
    """,
    re.VERBOSE,
)


def acts_each_time(url: str) -> bool:
    """Whether the whole host, read as the transport will read it, is one of a no-code service."""
    return NO_CODE.fullmatch(target(url).host.lower().removesuffix(".")) is not None
