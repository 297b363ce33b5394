"""Guardrails: limits that Baton watches by itself. Whatever breaks one is paused until a person has
looked at it: the stop says the figures, an alert points to it, and the queue is kept.

To lift the stop is the review: what was seen until then does not count a second time.
"""

from sharing.guardrails.holding import hold_breaches, hold_emptied

__all__ = ["hold_breaches", "hold_emptied"]
