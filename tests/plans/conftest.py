"""How long and how hard the property-based tests of plans try: the machine may be busy."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "baton", deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("baton")
