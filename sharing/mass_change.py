"""So many deletions at once that they look like lost permission or a mistake, not like intent."""

FEW = 5  # so many at once are never a mass change
SHARE = 0.10


def too_many(gone: int, of: int) -> bool:
    """Whether a person must say first that it is true."""
    return gone > max(FEW, SHARE * of)


def too_many_athletes(gone: int, of: int) -> bool:
    """Of athletes, or of their calendars: not all of them either, however few, unless it is one."""
    return too_many(gone, of) or gone == of > 1
