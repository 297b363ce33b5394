"""Entries as pages and the API ask for them, and the proof that one of them is in the log."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from audit import entry, merkle, stored
from audit.models import Checkpoint, Entry, Head, SignerState


def entries(
    organisations: Iterable[UUID],
    *,
    action: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
    **about: UUID | None,
) -> QuerySet[Entry]:
    """Entries of these organisations, the newest first.

    An action stands for its whole family, `delivery` for `delivery.dead`; `about` takes subject,
    plan, destination and delivery.
    """
    if unknown := set(about) - set(entry.LOOKUPS):
        raise TypeError(f"Entries are not found by {', '.join(sorted(unknown))}.")
    wanted = {name: value for name, value in about.items() if value}
    found = Entry.objects.filter(organisation__in=organisations, **wanted)
    found = found.filter(action__startswith=action) if action else found
    found = found.filter(at__gte=since) if since else found
    found = found.filter(at__lt=until) if until else found
    return found.order_by("-seq")


@dataclass(frozen=True)
class Proven:
    """An entry and its way to the tree head: whoever has the root can check it alone."""

    entry: Entry
    size: int
    root: bytes
    path: list[bytes]

    @property
    def holds(self) -> bool:
        leaf = merkle.leaf_hash(bytes(self.entry.body))
        try:
            led = merkle.root_from_inclusion(self.entry.seq, self.size, leaf, self.path)
        except ValueError:
            return False
        return led == self.root


def with_proof(shown: Entry) -> Proven:
    """Prove an entry by the leaf hashes stored beside it: reads the whole log once."""
    head = Head.objects.get(pk=1)
    root = merkle.Peaks.from_bytes(head.size, bytes(head.peaks)).root()
    ranges = merkle.inclusion_ranges(shown.seq, head.size)
    path = [merkle.root_of(stored.leaves(part)) for part in ranges]
    return Proven(shown, head.size, root, path)


def first_without_anchor() -> Entry | None:
    """The oldest entry that no checkpoint outside covers."""
    newest = Checkpoint.objects.filter(anchored_at__isnull=False).order_by("size").last()
    return Entry.objects.filter(seq__gte=newest.size if newest else 0).order_by("seq").first()


def signer_refusal() -> SignerState | None:
    """Why the signer refuses to go on, if it does."""
    return SignerState.objects.exclude(refusal="").first()
