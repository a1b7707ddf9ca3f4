"""How much these tests try: little in scripts/test, much in scripts/proof (its tests carry the mark ``proof``)."""

from hypothesis import HealthCheck, settings

QUICK = settings(
    max_examples=12,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
LONG = settings(QUICK, max_examples=400, stateful_step_count=80)
