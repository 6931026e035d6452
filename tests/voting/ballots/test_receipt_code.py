"""The short code of a receipt leads to its ballot and to no other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from voting_service.voting.ballots.commit import new_ballot_ids
from voting_service.voting.ballots.receipt_code import ids_of_receipt_code, receipt_code

MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2054, 1, 1), timezones=st.just(UTC))


@given(MOMENTS)
def test_a_code_leads_to_its_ballot_alone(moment: datetime) -> None:
    ids = new_ballot_ids(20, moment)
    codes = [receipt_code(ballot_id) for ballot_id in ids]
    assert all(len(code) == 19 for code in codes)
    for ballot_id, code in zip(ids, codes, strict=True):
        ids_of_code = ids_of_receipt_code(code.lower())
        assert ids_of_code is not None
        first, last = ids_of_code
        assert [other for other in ids if first <= other <= last] == [ballot_id]


def test_a_ballot_outside_the_years_of_the_codes_has_one_all_the_same() -> None:
    for moment in (datetime(2019, 12, 31, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC)):
        [ballot_id] = new_ballot_ids(1, moment)
        ids_of_code = ids_of_receipt_code(receipt_code(ballot_id))
        assert ids_of_code is not None
        assert not ids_of_code[0] <= ballot_id <= ids_of_code[1]


def test_a_mistyped_code_is_noticed() -> None:
    [ballot_id] = new_ballot_ids(1, datetime(2022, 7, 18, tzinfo=UTC) + timedelta(hours=1))
    code = receipt_code(ballot_id)
    assert ids_of_receipt_code(("Z" if code[0] != "Z" else "Y") + code[1:]) is None
    assert ids_of_receipt_code(ballot_id.hex()) is None
