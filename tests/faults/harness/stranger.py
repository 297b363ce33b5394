"""Who else posts at the door: a network that repeats a webhook, and a stranger who guesses."""

import random
import secrets
import sqlite3
import threading
import urllib.error
import urllib.request
from contextlib import closing
from dataclasses import dataclass

from tests.faults.harness.stage import Stage

TIMEOUT = 5.0  # seconds that a post waits for an answer
NO_ANSWER = 0


@dataclass(frozen=True)
class Door:
    """The hook of one athlete, as the source knows it."""

    athlete: int
    url: str
    event: str
    subscription: str

    @property
    def body(self) -> bytes:
        return f'{{"AthleteId":{self.athlete},"EventType":"{self.event}"}}'.encode()

    @property
    def forged(self) -> str:
        """The same address with another secret."""
        return f"{self.url.rstrip('/').rpartition('/')[0]}/{secrets.token_urlsafe(32)}/"


class Stranger(threading.Thread):
    """Posts until `over`; every answer stands in the history."""

    def __init__(self, stage: Stage, over: threading.Event) -> None:
        super().__init__(daemon=True)
        profile = stage.profile
        self.stage = stage
        self.over = over
        self.chance = random.Random(stage.seed + 3)
        self.pause = profile.storm / (profile.changes * (profile.repeated + profile.forged))
        self.forged = profile.forged / (profile.repeated + profile.forged)
        self.doors = doors(stage)

    def run(self) -> None:
        while not self.over.wait(self.pause):
            door = self.chance.choice(self.doors)
            forged = self.chance.random() < self.forged
            status = _post(door.forged if forged else door.url, door)
            what = "forged" if forged else "repeated"
            self.stage.note(what, athlete=door.athlete, status=status)


def doors(stage: Stage) -> list[Door]:
    path = stage.folder / "sandbox.sqlite3"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as source:
        told = source.execute(
            "SELECT athlete, url, event, id FROM subscription WHERE active ORDER BY id"
        )
        return [Door(*row) for row in told]


def _post(url: str, door: Door) -> int:
    """The status, or NO_ANSWER: the web may be dead at this moment."""
    headers = {"Content-Type": "application/json"}
    asked = urllib.request.Request(url, data=door.body, headers=headers, method="POST")  # noqa: S310 - our own loopback address
    try:
        with urllib.request.urlopen(asked, timeout=TIMEOUT) as answer:  # noqa: S310 - our own loopback address
            return int(answer.status)
    except urllib.error.HTTPError as refusal:
        return refusal.code
    except OSError:
        return NO_ANSWER
