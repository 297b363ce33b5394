"""Stops: what a person holds back, from one athlete to everything. `put` and `lift` are all there
is to do; the queue is kept meanwhile.
"""

from sharing.stops.putting import lift, put

__all__ = ["lift", "put"]
