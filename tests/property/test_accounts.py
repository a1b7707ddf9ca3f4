"""The rules of accounts, for every order of words that a provider and its people may say."""

from hypothesis import given
from hypothesis import strategies as st

from taxiway.core.account import (
    JITTER_S_MAX,
    PARK_S_MAX,
    Account,
    Moment,
    Phase,
    answered,
    due,
    limited,
    parked_by_hand,
    released,
    reset_time,
    with_limit,
)
from taxiway.core.providerlimit import LimitKind, ProviderLimit

NOW = 1_700_000_000_000
CHANCES = st.floats(0, 1, exclude_max=True)
TIMES = st.none() | st.integers(NOW - 10_000_000, NOW + 10_000_000_000_000)
LIMITS = st.builds(
    ProviderLimit, kind=st.sampled_from(LimitKind), resets_at=TIMES, text=st.none() | st.text(max_size=9)
)
REFUSALS = st.builds(ProviderLimit, kind=st.sampled_from([LimitKind.RATE, LimitKind.QUOTA]), resets_at=TIMES)

WORDS = st.one_of(
    st.tuples(st.just("limit"), LIMITS, CHANCES, st.booleans()),
    st.tuples(st.just("answer"), st.booleans()),
    st.tuples(st.just("pass"), st.integers(0, 100_000_000)),
    st.tuples(st.just("park"), st.none() | st.integers(0, 100_000_000)),
    st.tuples(st.just("release")),
    st.tuples(st.just("set"), st.none() | st.integers(1, 40)),
    st.tuples(st.just("live"), st.integers(0, 50)),
)


def after(account: Account, word: tuple, now: int) -> Account:
    """The account once somebody has said this."""
    match word:
        case ("limit", limit, chance, current):
            return limited(account, limit, Moment(now, chance, current))
        case ("answer", current):
            return answered(account, Moment(now, 0.0, current))
        case ("pass", _):
            return due(account, now)
        case ("park", wait):
            return parked_by_hand(account, now, None if wait is None else now + wait, "because")
        case ("release",):
            return released(account)
        case ("set", limit):
            return with_limit(account, limit)
        case ("live", live):
            return Account(**{name: getattr(account, name) for name in account.__struct_fields__} | {"live": live})
    raise AssertionError(word)


@given(st.none() | st.integers(1, 40), st.lists(WORDS, max_size=40))
def test_whatever_is_said_an_account_lets_through_between_one_and_its_limit(limit: int | None, words: list) -> None:
    """Never below 1, never above the configured limit, nothing while parked, one while probing (DA17, I3)."""
    account, now = Account(name="a", limit=limit), NOW
    for word in words:
        now += word[1] if word[0] == "pass" else 1
        account = after(account, word, now)
        match account.phase:
            case Phase.PARKED:
                assert account.size == 0
            case Phase.PROBING:
                assert account.size == 1
            case Phase.OPEN:
                assert account.size is None or account.size >= 1
                assert account.limit is None or (account.size is not None and account.size <= account.limit)
        assert account.until is None or account.phase is Phase.PARKED


@given(st.none() | st.integers(1, 40), st.lists(WORDS, max_size=40))
def test_no_word_but_a_release_or_the_reset_itself_opens_a_parked_account(limit: int | None, words: list) -> None:
    """No call before the reset; and of several resets the latest holds."""
    account, now = Account(name="a", limit=limit), NOW
    for word in words:
        before = account
        now += word[1] if word[0] == "pass" else 1
        account = after(account, word, now)
        if before.phase is Phase.PARKED and word[0] not in ("release", "pass"):
            assert account.phase is Phase.PARKED
            assert account.until is None or (before.until is not None and account.until >= before.until)
        if before.phase is Phase.PARKED and account.phase is not Phase.PARKED and word[0] == "pass":
            assert before.until is not None
            assert before.until <= now


@given(st.lists(WORDS, max_size=40))
def test_every_account_can_be_asked_again(words: list) -> None:
    """I14: whatever was said, time and, for what was parked by hand, a release open it; then an answer does."""
    account, now = Account(name="a", limit=8), NOW
    for word in words:
        now += 1
        account = after(account, word, now)
    if account.phase is Phase.PARKED:
        assert account.until is not None or account.by_hand
        account = released(account) if account.until is None else due(account, account.until)
    if account.phase is Phase.PROBING:
        account = answered(account, Moment(now))
    assert account.phase is Phase.OPEN
    for _ in range(3_000):
        account = answered(account, Moment(now))
    assert account.size == account.limit
    assert not account.narrow


@given(TIMES, st.integers(1, 1_000), CHANCES)
def test_a_reset_time_is_never_before_what_was_said_and_never_for_ever(
    resets_at: int | None, strikes: int, chance: float
) -> None:
    """The jitter is added, and the provider's word is bounded."""
    until = reset_time(ProviderLimit(kind=LimitKind.RATE, resets_at=resets_at), strikes, Moment(NOW, chance))
    assert until > NOW
    assert until <= NOW + int((PARK_S_MAX + JITTER_S_MAX) * 1000)
    if resets_at is not None and NOW < resets_at <= NOW + PARK_S_MAX * 1000:
        assert resets_at <= until <= resets_at + JITTER_S_MAX * 1000


@given(st.integers(1, 64), st.integers(0, 64), st.integers(1, 64))
def test_a_burst_of_overloads_halves_once(limit: int, live: int, burst: int) -> None:
    """Runs of the round before tell nothing about this one."""
    account = Account(name="a", limit=limit, live=live)
    overload = ProviderLimit(kind=LimitKind.OVERLOAD)
    began_in = account.round
    for _ in range(burst):
        account = limited(account, overload, Moment(NOW, 0.0, account.round == began_in))
    assert account.size == max(1, min(limit, max(1, live)) // 2)


@given(REFUSALS, CHANCES)
def test_a_warning_changes_nothing_and_a_refusal_parks(refusal: ProviderLimit, chance: float) -> None:
    """Only what was refused waits."""
    account = Account(name="a")
    warning = ProviderLimit(kind=LimitKind.WARNING, resets_at=refusal.resets_at, used=0.95)
    assert limited(account, warning, Moment(NOW, chance)) == account
    assert limited(account, refusal, Moment(NOW, chance)).phase is Phase.PARKED
