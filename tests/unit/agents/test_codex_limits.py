"""What Codex's errors and words mean: the reason, the limit, whether it passes, and until when."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from taxiway.agents.codex_limits import ACCOUNTS_MAX, AccountWindows, Judgement, time_in
from taxiway.agents.codex_wire import TurnError, Window, Windows
from taxiway.core.providerlimit import LimitKind, ProviderLimit
from taxiway.core.task import Reason

AT = int(datetime(2026, 11, 21, 22, 32, 18, tzinfo=UTC).timestamp() * 1_000)


def millis(*parts: int) -> int:
    """A time of 2026 in UTC."""
    return int(datetime(*parts, tzinfo=UTC).timestamp() * 1_000)  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("info", "reason", "kind", "passing"),
    [
        ("usageLimitExceeded", Reason.QUOTA, LimitKind.QUOTA, False),
        ("rateLimitExceeded", Reason.RATE_LIMIT, LimitKind.RATE, True),
        ("serverOverloaded", Reason.PROVIDER, LimitKind.OVERLOAD, True),
        ("internalServerError", Reason.PROVIDER, None, True),
        ("unauthorized", Reason.AUTH, None, False),
        ("sessionBudgetExceeded", Reason.BUDGET, None, False),
        ("contextWindowExceeded", Reason.AGENT_ERROR, None, False),
        ("badRequest", Reason.AGENT_ERROR, None, False),
        ({"httpConnectionFailed": {"httpStatusCode": 401}}, Reason.AUTH, None, False),
        ({"httpConnectionFailed": {"httpStatusCode": 402}}, Reason.QUOTA, LimitKind.QUOTA, False),
        ({"httpConnectionFailed": {"httpStatusCode": 404}}, Reason.AGENT_ERROR, None, False),
        ({"responseTooManyFailedAttempts": {"httpStatusCode": 429}}, Reason.RATE_LIMIT, LimitKind.RATE, True),
        ({"responseStreamConnectionFailed": {"httpStatusCode": 502}}, Reason.PROVIDER, None, True),
        ({"responseStreamConnectionFailed": {"httpStatusCode": 529}}, Reason.PROVIDER, LimitKind.OVERLOAD, True),
        ({"responseStreamDisconnected": {"httpStatusCode": None}}, Reason.PROVIDER, None, True),
        ({"responseStreamDisconnected": 5}, Reason.PROVIDER, None, True),
        ({"somethingNew": {"httpStatusCode": 429}}, Reason.AGENT_ERROR, None, False),
        ("other", Reason.AGENT_ERROR, None, False),
        (["what?"], Reason.AGENT_ERROR, None, False),
        (None, Reason.AGENT_ERROR, None, False),
    ],
)
def test_every_class_of_error_has_its_reason(info: Any, reason: Reason, kind: LimitKind | None, passing: bool) -> None:
    """A43: the scheduler acts on the reason; what is not known is the agent's own error."""
    found = Judgement(AccountWindows(), UTC).failed(TurnError("sorry", info), AT)
    assert (found.reason, found.limit and found.limit.kind, found.passing) == (reason, kind, passing)
    assert found.error == "sorry"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("unexpected status 401 Unauthorized: no, url: http://x", Reason.AUTH),
        ("unexpected status 500 Oops", Reason.PROVIDER),
        ("stream disconnected before completion: error", Reason.PROVIDER),
        ("Missing environment variable: `KEY`.", Reason.AUTH),
        ("something else", Reason.AGENT_ERROR),
    ],
)
def test_an_error_without_a_class_is_judged_by_its_words(words: str, reason: Reason) -> None:
    """Codex tells some errors as `other`."""
    assert Judgement(AccountWindows(), UTC).failed(TurnError(words, "other"), AT).reason is reason


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ('{"error": {"message": "too long", "code": 5}}', "too long"),
        ('{"error": {"message": 5}}', '{"error": {"message": 5}}'),
        ("{no", "{no"),
        ("", "the agent reports agent_error and says no more"),
    ],
)
def test_an_answer_that_is_told_as_it_came_is_read(message: str, error: str) -> None:
    """A sentence, not a document, where there is one in it."""
    assert Judgement(AccountWindows(), UTC).failed(TurnError(message, "other"), AT).error == error


@pytest.mark.parametrize(
    ("words", "zone", "wanted"),
    [
        ("or try again at 11:32 PM.", UTC, millis(2026, 11, 21, 23, 33)),
        ("or try again at 10:32 PM.", UTC, millis(2026, 11, 21, 22, 33)),
        ("try again at 12:05 AM.", UTC, millis(2026, 11, 22, 0, 6)),
        ("Try again at Nov 28th, 2026 8:02 AM.", UTC, millis(2026, 11, 28, 8, 3)),
        ("try again at Nov 28th, 2026 8:02 AM.", ZoneInfo("Europe/Berlin"), millis(2026, 11, 28, 7, 3)),
        ("try again at 12:30 AM.", ZoneInfo("Europe/Berlin"), millis(2026, 11, 21, 23, 31)),
        ("Please try again in 11.054s.", UTC, AT + 11_054),
        ("Please try again in 20ms.", UTC, AT + 20),
        ("try again in 2 h", UTC, AT + 7_200_000),
        ("try again at Foo 31st, 2026 8:02 AM.", UTC, None),
        ("try again at Feb 31st, 2026 8:02 AM.", UTC, None),
        ("try again at Jan 1st, 9999 11:59 PM.", UTC, millis(9999, 1, 2, 0, 0)),
        ("try again at 25:99 PM.", UTC, None),
        ("try again later", UTC, None),
        ("", UTC, None),
    ],
)
def test_a_time_in_words_is_never_too_early(words: str, zone: Any, wanted: int | None) -> None:
    """The minute that is named has passed; in the zone of the agent, today unless the day is named."""
    assert time_in(words, AT, zone) == wanted


def test_the_time_of_this_machine_is_taken_where_no_zone_is_named() -> None:
    """`TZ` is not set: the agent tells the time as we do."""
    here = datetime.fromtimestamp(AT / 1_000, UTC).astimezone()
    words = f"try again at {here.strftime('%I:%M %p').lstrip('0')}."
    assert 0 < (time_in(words, AT, None) or 0) - AT <= 60_000


def test_a_quota_resets_when_its_last_full_window_does() -> None:
    """The windows know better than the words; one that has begun anew already knows nothing."""
    windows = AccountWindows()
    list(
        windows.told(Windows("codex", None, Window(100, 300, AT // 1_000 + 60), Window(100, 10_080, AT // 1_000 + 90)))
    )
    error = TurnError("used up, try again at 11:32 PM.", "usageLimitExceeded")
    limit = Judgement(windows, UTC).failed(error, AT).limit
    assert limit is not None
    assert limit.resets_at == (AT // 1_000 + 90) * 1_000
    later = Judgement(windows, UTC).failed(error, AT + 100_000).limit
    assert later is not None
    assert later.resets_at == millis(2026, 11, 21, 23, 33)
    unknown = Judgement(AccountWindows(), UTC).failed(TurnError("used up", "usageLimitExceeded"), None).limit
    assert unknown == ProviderLimit(kind=LimitKind.QUOTA, text="used up")


def test_a_window_is_told_when_it_changes_and_there_are_not_too_many() -> None:
    """I18: an agent may invent limits. A full window is a warning until something was refused for it."""
    windows = AccountWindows()
    half = Windows("codex", "Codex", Window(50, 300, 1_795_310_000), None)
    assert list(windows.told(half)) == [
        ProviderLimit(kind=LimitKind.WARNING, resets_at=1_795_310_000_000, used=0.5, window="5h", text="Codex")
    ]
    assert list(windows.told(half)) == []
    [full] = windows.told(Windows("codex", None, Window(130), None))
    assert (full.kind, full.used, full.window, full.resets_at) == (LimitKind.WARNING, 1.0, None, None)
    refused = windows.told(Windows("codex", None, Window(100), Window(7), "rate_limit_reached"))
    assert [limit.kind for limit in refused] == [LimitKind.QUOTA, LimitKind.WARNING]
    told = [len(list(windows.told(Windows(f"l{number}", None, Window(1), Window(2))))) for number in range(100)]
    assert sum(told) <= 2 * ACCOUNTS_MAX
