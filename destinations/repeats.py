"""What a destination does with a message that comes twice, and what follows from it, in words.

Every page that says something about doubles says it with these, by the class that the destination
has: none of them claims more.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from destinations import pace
from destinations.models import Destination

Class = Destination.IdempotencyClass
ANY_ADDRESS = (
    "I am not sure: go by the address. Of the no-code services that Baton knows, it expects that "
    "they act each time; of anything else, that it recognises the message id."
)
BY_ADDRESS = ("", ANY_ADDRESS)


@dataclass(frozen=True)
class Words:
    twice: str  # what it does with a message that comes twice
    in_doubt: str  # what Baton does when nobody knows whether a call was applied; {late}: how long
    again: str  # what a delivery that a person asks for once more does there


WORDS: dict[str, Words] = {
    Class.VERSIONED: Words(
        "It compares versions and refuses an older one.",
        "Baton goes on at once: what is older is refused there.",
        "It is newer than anything there, so it is taken.",
    ),
    Class.KEYED: Words(
        "It is expected to recognise the message id, and so to take each message once.",
        "Baton sends the same message again until it is acknowledged; it is taken once where its "
        "id is recognised.",
        "What it has taken with the same message id it is expected not to take a second time.",
    ),
    Class.UPSERT: Words(
        "It replaces what it has of the plan with what came last.",
        "Baton waits {late} for a call that may still arrive, then sends the newest again; it "
        "replaces what is there.",
        "It replaces what is there.",
    ),
    Class.NONE: Words(
        "It acts each time it is called.",
        "Baton does not send it again by itself: a person looks whether it is there, and decides. "
        "Only taking a plan back is repeated until it is acknowledged.",
        "It acts on it once more, even if it has acted on it before: look there first.",
    ),
}
SAID_BY_A_PERSON: dict[str, str] = {
    Class.KEYED: "It recognises the message id and takes each message once.",
    Class.NONE: (
        "It acts each time it is called, as Zapier, Make, n8n, Power Automate, IFTTT and "
        "Pipedream do."
    ),
}


def words(destination: Destination) -> Words:
    said = WORDS[destination.idempotency_class]
    late = pace.seconds(destination.late_apply_window)
    return replace(said, in_doubt=said.in_doubt.format(late=late))


def choices(able: Iterable[str]) -> list[tuple[str, str]]:
    """The classes among these as a person chooses them."""
    offered = set(able)
    return [
        (name, SAID_BY_A_PERSON.get(name, said.twice))
        for name, said in WORDS.items()
        if name in offered
    ]
