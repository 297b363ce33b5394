"""What each kind of alert says, and that it tells the times of this installation."""

from datetime import timedelta

import pytest

from insight.catalogue import KINDS

UNBROKEN = "\xa0"  # timesince keeps number and unit on one line


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("technical", [True, False])
def test_every_kind_says_a_whole_sentence_to_both_readers(kind, technical):
    words = KINDS[kind].words(technical=technical)
    assert words.endswith(".")
    assert "{" not in words


@pytest.mark.parametrize(
    ("wait", "told"),
    [
        (timedelta(seconds=20), "20 seconds"),
        (timedelta(minutes=5), "5 minutes"),
        (timedelta(hours=1, minutes=20), "1 hour"),
        (timedelta(days=2), "2 days"),
    ],
)
def test_the_time_that_is_told_is_the_one_that_was_set(settings, wait, told):
    settings.BATON_ALERT_UNREAD = wait
    words = KINDS["source_dirty"].words(technical=False).replace(UNBROKEN, " ")
    assert f"changed more than {told} ago" in words
