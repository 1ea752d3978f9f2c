"""Which stage comes next for a subscription that is owed for, by the policy alone: none where that says never.

What no date lies ahead of may still be warned of one day; what has no next stage never is, and nothing that people
read may say otherwise.
"""

from __future__ import annotations

from arrears.core.account import Account, Action, Subscription
from arrears.core.policy import Policies, Policy
from arrears.core.states import Reason, State


def policy_of(policies: Policies, account: Account) -> Policy:
    """The policy that a running case keeps, or the one that a case starting now would get; the latter too where the
    former is lost, for which the account is parked."""
    terms = account.terms if account.case is None else account.case.terms
    return policies.get(terms.policy) or policies[account.terms.policy]


def next_stage(policies: Policies, account: Account, sub: Subscription) -> Action | None:
    """The action that an unpaid debt of this subscription leads to next; None where its policy has none."""
    policy = policy_of(policies, account)
    if sub.state is State.DELETED:
        return None
    if sub.end is not None:
        return None if policies[sub.end.terms.policy].retention_days is None else Action.DELETE
    if sub.state is not State.RESTRICTED and policy.restrict_after_days is not None:
        return Action.RESTRICT
    return None if policy.disable_after_days is None else Action.DISABLE


def ends_here(policies: Policies, account: Account) -> bool:
    """Whether something is past due and nothing more ever follows for any service, however long that is unpaid."""
    owing = [sub for sub in account.subscriptions if Reason.PAST_DUE in sub.reasons]
    return bool(owing) and all(next_stage(policies, account, sub) is None for sub in owing)
