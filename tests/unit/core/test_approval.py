"""The rules of approvals: what a policy says, and what a late answer is told."""

import pytest

from taxiway.core.agent import Access
from taxiway.core.approval import (
    APPROVAL_MOVES,
    EXPIRES_S,
    ApprovalPolicy,
    ApprovalState,
    Rule,
    answered,
    not_pending,
    verdict,
)

ID = "appr_01mcc5rwdqekvyyzzbp3ac4yjf"


def test_only_a_pending_question_can_be_decided() -> None:
    """The first answer stands."""
    assert {state for state, moves in APPROVAL_MOVES.items() if moves} == {ApprovalState.PENDING}
    assert APPROVAL_MOVES[ApprovalState.PENDING] == set(ApprovalState) - {ApprovalState.PENDING}


def test_the_stated_defaults() -> None:
    """Decision "approvals": who may only read is denied more, others ask, and after an hour it counts as denied."""
    policy = ApprovalPolicy()
    assert [policy.rule(access) for access in (Access.ANALYSIS, Access.WRITE, Access.AUTO)] == [
        Rule.DENY,
        Rule.ASK,
        Rule.ASK,
    ]
    assert policy.expires_s == EXPIRES_S == 3_600


@pytest.mark.parametrize(
    ("rule", "state"),
    [(Rule.ASK, ApprovalState.PENDING), (Rule.ALLOW, ApprovalState.ALLOWED), (Rule.DENY, ApprovalState.DENIED)],
)
def test_a_rule_decides_the_state_in_which_a_question_begins(rule: Rule, state: ApprovalState) -> None:
    """Only ``ask`` waits."""
    assert verdict(rule) is state


@pytest.mark.parametrize("state", [ApprovalState.DENIED, ApprovalState.EXPIRED, ApprovalState.VOID])
def test_what_is_not_allowed_is_denied(state: ApprovalState) -> None:
    """Silence is no consent."""
    assert not answered(ID, state, None).allow
    assert answered(ID, ApprovalState.ALLOWED, None).allow


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        (ApprovalState.ALLOWED, "approval ac4yjf was allowed by 'ann' already (ok); the first answer stands"),
        (ApprovalState.EXPIRED, "approval ac4yjf has expired, and its agent was told that it may not"),
        (ApprovalState.VOID, "approval ac4yjf is void (ok): nobody waits for an answer any more"),
    ],
)
def test_who_comes_too_late_is_told_why(state: ApprovalState, sentence: str) -> None:
    """A conflict with a clear sentence, and who decided."""
    error = not_pending(ID, state, "ok", "ann")
    assert error.message == sentence
    assert error.to_json() == {
        "code": "not_pending",
        "message": sentence,
        "approval": ID,
        "state": str(state),
        "actor": "ann",
    }
