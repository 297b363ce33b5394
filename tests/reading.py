"""What a page says, apart from what chance put there."""

import re

CHANCE = re.compile(r'(name="csrfmiddlewaretoken" value|nonce)="[^"]*"')


def without_chance(page: str) -> str:
    """The page without its random tokens, in which a short name may happen to stand."""
    return CHANCE.sub(r'\1=""', page)
