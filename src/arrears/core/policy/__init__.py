"""The operator's promises: a policy as a value, read from TOML, checked, and compared with another."""

from arrears.core.policy.differences import PolicyChange, changes_between, diff_policies
from arrears.core.policy.loading import default_policy, default_text, load_policy
from arrears.core.policy.reading import POLICY_CHARACTERS_MAX
from arrears.core.policy.values import ClockScope, Policies, Policy, announced_ahead, policy_text, written_keys

__all__ = [
    "POLICY_CHARACTERS_MAX",
    "ClockScope",
    "Policies",
    "Policy",
    "PolicyChange",
    "announced_ahead",
    "changes_between",
    "default_policy",
    "default_text",
    "diff_policies",
    "load_policy",
    "policy_text",
    "written_keys",
]
