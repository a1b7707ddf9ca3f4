"""How much these tests try: little in scripts/test, much in scripts/proof (its tests carry the mark ``proof``)."""

from hypothesis import HealthCheck, settings

# A busy machine is no fault of the code.
settings.register_profile(
    "property",
    deadline=None,
    print_blob=True,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("property")

QUICK = settings(max_examples=12, stateful_step_count=30)
LONG = settings(QUICK, max_examples=400, stateful_step_count=80, derandomize=False)
