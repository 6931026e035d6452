"""④ over every combination of signals and policies."""

from __future__ import annotations

from itertools import product

import pytest

from voting_service.antifraud.decision import Decision, Policy, Price, Suspicion, decide, price

EVERY = range(2 * max(Suspicion))
POLICIES = [Policy(*flags) for flags in product((False, True), repeat=2)]
NETWORK = Suspicion.CROWDED_NETWORK | Suspicion.CLOUD_NETWORK
DEVICE = Suspicion.REPEATED_DEVICE | Suspicion.AUTOMATED_AGENT
WATCHFUL = Policy()


def decision(lit: int, policy: Policy = WATCHFUL) -> Decision:
    return decide(lit, voter_over_limit=False, policy=policy).decision


@pytest.mark.parametrize("policy", POLICIES)
def test_only_the_voter_s_own_tries_refuse(policy: Policy) -> None:
    for lit in EVERY:
        assert decision(lit, policy) is not Decision.SLOW_DOWN
        verdict = decide(lit, voter_over_limit=True, policy=policy)
        assert verdict == (Decision.SLOW_DOWN, lit)


@pytest.mark.parametrize("signal", list(NETWORK | DEVICE))
def test_no_single_network_or_device_signal_holds(signal: Suspicion) -> None:
    """At most it asks for a challenge, and a solved one counts."""
    for policy in POLICIES:
        assert decision(signal, policy) in (Decision.COUNT, Decision.CHALLENGE)
        assert decision(signal | Suspicion.CHALLENGE_SOLVED, policy) is Decision.COUNT


@pytest.mark.parametrize(
    "crowd",
    [
        Suspicion.CROWDED_NETWORK,
        Suspicion.CROWDED_NETWORK | Suspicion.REPEATED_DEVICE,
        Suspicion.CROWDED_NETWORK | Suspicion.REPEATED_DEVICE | Suspicion.HURRIED,
        Suspicion.CROWDED_NETWORK | Suspicion.YOUNG_ACCOUNT | Suspicion.HURRIED,
        Suspicion.YOUNG_ACCOUNT | Suspicion.HURRIED,
    ],
)
def test_an_honest_crowd_with_a_popular_telephone_is_never_held(crowd: Suspicion) -> None:
    """Carrier networks, canteens, new users who know whom they want."""
    assert decision(crowd | Suspicion.CHALLENGE_SOLVED) is Decision.COUNT


@pytest.mark.parametrize(
    "farm",
    [
        Suspicion.CROWDED_NETWORK | Suspicion.FEW_DEVICES,
        Suspicion.CLOUD_NETWORK | Suspicion.AUTOMATED_AGENT,
        Suspicion.CLOUD_NETWORK | Suspicion.HURRIED,
        Suspicion.AUTOMATED_AGENT | Suspicion.YOUNG_ACCOUNT,
        Suspicion.PLATFORM_CEILING,
    ],
)
def test_what_coincides_is_held_whatever_work_was_done(farm: Suspicion) -> None:
    assert decision(farm | Suspicion.CHALLENGE_SOLVED) is Decision.HOLD


@pytest.mark.parametrize("policy", POLICIES)
def test_the_price_known_beforehand_is_what_is_decided_after_counting(policy: Policy) -> None:
    """admit.lua knows by it who will be asked for a challenge, and counts only the others."""
    rates = Suspicion.CROWDED_NETWORK | Suspicion.REPEATED_DEVICE
    counting = (*rates, rates, Suspicion.FEW_DEVICES, Suspicion.PLATFORM_CEILING)
    for known in EVERY:
        if known & (rates | Suspicion.FEW_DEVICES | Suspicion.PLATFORM_CEILING):
            continue
        for counted in (Suspicion(0), *counting):
            asked = {
                Price.NEVER: False,
                Price.OVER_RATE: bool(counted & rates),
                Price.ALWAYS: True,
            }[Price(price(known, policy))]
            assert asked is (decision(known | counted, policy) is Decision.CHALLENGE)


def test_more_signals_never_make_it_better() -> None:
    """Apart from a solved challenge: it turns a question into a count or a hold."""
    weight = {Decision.COUNT: 0, Decision.CHALLENGE: 1, Decision.HOLD: 1}
    for lit in EVERY:
        for signal in Suspicion:
            if signal is not Suspicion.CHALLENGE_SOLVED and not lit & signal:
                assert weight[decision(lit | signal)] >= weight[decision(lit)]


def test_a_contest_may_switch_both_off_and_a_ceiling_still_holds() -> None:
    for lit in EVERY:
        plain = decision(lit, Policy(challenge=False, hold=False))
        over = bool(lit & Suspicion.PLATFORM_CEILING)
        assert plain is (Decision.HOLD if over else Decision.COUNT)


def test_dispositions_fit_the_column() -> None:
    """migrations: 0 counted, 1 held; the signals fit a smallint."""
    assert (Decision.COUNT, Decision.HOLD) == (0, 1)
    assert max(EVERY) < 2**15
