"""The threads of one process, and what each of them has its hands full with.

So long as half of them are free, a destination may have several; after that each has one. What
hangs at a few destinations then leaves a thread for the next one, and no row is needed for it.
"""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID


class Crew:
    def __init__(self, threads: int) -> None:
        self._keep_free = (threads + 1) // 2
        self._free = threads
        self._calling: Counter[UUID] = Counter()
        self._lock = threading.Lock()

    def begins(self, destination: UUID) -> bool:
        """Whether this thread may call it. Who is told so says `ends` afterwards."""
        with self._lock:
            if self._calling[destination] and self._free - 1 < self._keep_free:
                return False
            self._calling[destination] += 1
            self._free -= 1
            return True

    def ends(self, destination: UUID) -> None:
        with self._lock:
            self._calling[destination] -= 1
            self._free += 1

    @contextmanager
    def elsewhere(self) -> Iterator[None]:
        """The thread reads a source or runs a job, and so is not free."""
        with self._lock:
            self._free -= 1
        try:
            yield
        finally:
            with self._lock:
                self._free += 1


class Alone(Crew):
    """Nobody's threads depend on this one."""

    def __init__(self) -> None:
        super().__init__(1)

    def begins(self, destination: UUID) -> bool:
        return True

    def ends(self, destination: UUID) -> None:
        """Nothing was counted."""


ALONE = Alone()
