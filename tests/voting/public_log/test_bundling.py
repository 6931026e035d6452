"""Every ballot is in exactly one bundle, and no bundle tells who chose whom."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from voting_service.voting.public_log.bundling import (
    MAX_BALLOTS,
    MIN_BALLOTS,
    USUAL_BALLOTS,
    BundleDraft,
    plan_bundles,
)


@given(st.lists(st.tuples(st.integers(0, 5_000), st.booleans()), max_size=8))
def test_all_ballots_are_bundled_by_the_close_in_bundles_of_the_announced_size(
    rounds: list[tuple[int, bool]],
) -> None:
    bundles: list[int] = []
    waiting = 0
    for number, (arriving, is_due) in enumerate([*rounds, (0, False)]):
        waiting += arriving
        is_closed = number == len(rounds)
        plan = plan_bundles(waiting, is_due=is_due, is_closed=is_closed, has_bundle=bool(bundles))
        waiting -= sum(plan.sizes)
        before = bundles.pop() if plan.replaces_last else 0
        bundles += [before + plan.sizes[0], *plan.sizes[1:]] if plan.sizes else []
        assert not plan.replaces_last or is_closed
        assert all(MIN_BALLOTS <= size <= MAX_BALLOTS for size in bundles) or bundles == [
            sum(arriving for arriving, _ in rounds)
        ]
        assert is_closed or not is_due or waiting < MIN_BALLOTS
    assert waiting == 0
    assert sum(bundles) == sum(arriving for arriving, _ in rounds)


def test_a_bundle_waits_until_it_is_full_or_due() -> None:
    def sizes(waiting: int, *, is_due: bool = False) -> tuple[int, ...]:
        return plan_bundles(waiting, is_due=is_due, is_closed=False, has_bundle=True).sizes

    assert sizes(USUAL_BALLOTS - 1) == ()
    assert sizes(2 * USUAL_BALLOTS + 150) == (USUAL_BALLOTS, USUAL_BALLOTS)
    assert sizes(150, is_due=True) == (150,)
    assert sizes(99, is_due=True) == ()


def test_what_is_left_at_the_close_joins_the_bundle_before() -> None:
    def plan(waiting: int, *, has_bundle: bool = True) -> BundleDraft:
        return plan_bundles(waiting, is_due=True, is_closed=True, has_bundle=has_bundle)

    assert plan(0) == BundleDraft(())
    assert plan(99) == BundleDraft((99,), replaces_last=True)
    assert plan(100) == BundleDraft((100,))
    assert plan(99, has_bundle=False) == BundleDraft((99,))
    assert plan(USUAL_BALLOTS + 99) == BundleDraft((MAX_BALLOTS,))
