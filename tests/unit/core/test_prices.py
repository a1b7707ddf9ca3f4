"""Prices, and dollars that are computed from them: marked, and never made up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxiway.agents.prices import list_prices
from taxiway.core.budget import spent
from taxiway.core.failureclass import FailureClass, class_of
from taxiway.core.price import Price, price_of, priced
from taxiway.core.providerlimit import LimitKind, ProviderLimit
from taxiway.core.task import Budget, Reason, Usage
from taxiway.core.usage import added

PRICE = Price(input=2.0, output=10.0, cached=0.5)
COUNTS = st.none() | st.integers(0, 1 << 53)
USAGES = st.builds(Usage, COUNTS, COUNTS, COUNTS, st.none() | st.floats(0, 1e9), COUNTS)


def test_every_listed_price_has_its_source_and_its_date() -> None:
    """Data that cannot be looked up is an opinion."""
    for model, price in list_prices().items():
        assert price.source.startswith("https://"), model
        assert price.date, model
        assert 0 < price.input < price.output, model
        assert price.cached is not None, model
        assert price.cached < price.input, model


@pytest.mark.parametrize(
    ("model", "found"),
    [
        ("m-1", True),
        ("some/m-1", True),
        ("m-1-20250929", True),
        ("some/m-1-2025-09-29", True),
        ("m-1-latest", True),
        ("m-1-mini", False),
        ("m", False),
        (None, False),
        ("", False),
    ],
)
def test_a_model_is_found_by_its_own_name_only(model: str | None, found: bool) -> None:
    """With its provider and its date; a sibling's price is not its own."""
    assert (price_of(model, {"m-1": PRICE}) is not None) is found


@given(USAGES)
def test_dollars_are_computed_only_where_enough_is_known_and_nobody_told_any(usage: Usage) -> None:
    """Unmeasured is null, and what an agent says stands."""
    found = priced(usage, PRICE)
    assert priced(usage, None) == usage
    if usage.usd is not None or usage.input_tokens is None or usage.output_tokens is None:
        assert found == usage
    else:
        assert found.usd_computed
        assert found.usd is not None
        assert found.usd >= 0


def test_cached_tokens_are_a_part_of_the_input() -> None:
    """They are cheaper, not more."""
    assert priced(Usage(1_000_000, 0, 1_000_000), PRICE).usd == 0.5
    assert priced(Usage(1_000_000, 0), PRICE).usd == 2.0
    assert priced(Usage(10, 0, 1 << 40), PRICE).usd == pytest.approx(5e-6)


@given(USAGES, USAGES)
def test_sums_leave_out_what_nobody_measured(one: Usage, other: Usage) -> None:
    """Null and a number is the number; null and null is null."""
    both = added(one, other)
    for name in ("input_tokens", "output_tokens", "cached_tokens", "usd", "turns"):
        known = [value for value in (getattr(one, name), getattr(other, name)) if value is not None]
        assert getattr(both, name) == (sum(known) if known else None)


@pytest.mark.parametrize(
    ("budget", "used", "over"),
    [
        (Budget(usd=1.0), Usage(usd=0.99), False),
        (Budget(usd=1.0), Usage(usd=1.0), True),
        (Budget(usd=1.0), Usage(10, 10), False),
        (Budget(tokens=20), Usage(10, 10), True),
        (Budget(tokens=20), Usage(10, 9), False),
        (Budget(wall_s=1.0), Usage(10, 9, usd=100.0), False),
    ],
)
def test_a_budget_is_used_up_by_what_is_known(budget: Budget, used: Usage, over: bool) -> None:
    """What nobody measured is not counted."""
    assert (spent(budget, used) is not None) is over


@pytest.mark.parametrize(
    ("reason", "passing", "kind", "found"),
    [
        (Reason.PROVIDER, True, None, FailureClass.STUMBLED),
        (Reason.PROVIDER, False, None, FailureClass.LASTING),
        (Reason.AGENT_ERROR, True, None, FailureClass.CUT),
        (Reason.PROVIDER, True, LimitKind.OVERLOAD, FailureClass.OVERLOADED),
        (Reason.RATE_LIMIT, True, None, FailureClass.REFUSED),
        (Reason.QUOTA, False, LimitKind.QUOTA, FailureClass.REFUSED),
        (Reason.PROVIDER, True, LimitKind.WARNING, FailureClass.STUMBLED),
        (Reason.AUTH, False, None, FailureClass.LASTING),
    ],
)
def test_a_failure_has_its_class(reason: Reason, passing: bool, kind: LimitKind | None, found: FailureClass) -> None:
    """The table's key."""
    assert class_of(reason, passing, None if kind is None else ProviderLimit(kind=kind)) is found
