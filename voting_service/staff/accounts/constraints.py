"""The error for each database constraint on accounts and invitations."""

from __future__ import annotations

from collections.abc import Mapping

from voting_service.errors import (
    Fault,
    InvalidInput,
    NotSignedIn,
    Refused,
    SecondPersonRequired,
    VotingError,
)

NAME_TAKEN = "staff.accounts.name_taken"
"""The code of the fault of a name that another account has."""
CONSTRAINTS: Mapping[str, VotingError] = {
    "accounts_name_key": InvalidInput(Fault("name", NAME_TAKEN)),
    "accounts_name_once": InvalidInput(Fault("name", NAME_TAKEN)),
    "accounts_two_people": SecondPersonRequired("staff.accounts.account_needs_two_people"),
    "accounts_stay_disabled": Refused("staff.accounts.stays_disabled"),
    "accounts_openid_subject_key": Refused("staff.accounts.openid_user_taken"),
    "accounts_experts_password": Refused("staff.accounts.experts_use_passwords"),
    "staff_sessions_password": NotSignedIn("staff.accounts.wrong_credentials"),
    "staff_sessions_openid": NotSignedIn("staff.accounts.no_linked_account"),
    "staff_sessions_own": NotSignedIn("staff.accounts.session_ended"),
    "passkeys_credential_key": Refused("staff.accounts.passkey_known"),
    "passkeys_ten": Refused("staff.accounts.too_many_passkeys"),
    "invitations_not_oneself": Refused("staff.accounts.cannot_renew_own_account"),
    "invitations_two_people": SecondPersonRequired("staff.accounts.cannot_approve_own_invitation"),
    "invitations_approvers": Refused("staff.accounts.invitation_approvers"),
}
"""By constraint name, as migrations/ gives it."""
