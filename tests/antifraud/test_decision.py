"""④ over every combination of signals and policies."""

from __future__ import annotations

from itertools import product

import pytest

from voting_service.antifraud.screening.decision import (
    Policy,
    Price,
    ScreeningDecision,
    Signal,
    decide,
    price,
)

EVERY = range(2 * max(Signal))
POLICIES = [Policy(*flags) for flags in product((False, True), repeat=2)]
NETWORK = Signal.CROWDED_NETWORK | Signal.CLOUD_NETWORK
DEVICE = Signal.REPEATED_DEVICE | Signal.AUTOMATED_AGENT
WATCHFUL = Policy()


def decision(active_signals: int, policy: Policy = WATCHFUL) -> ScreeningDecision:
    return decide(active_signals, voter_over_limit=False, policy=policy).decision


@pytest.mark.parametrize("policy", POLICIES)
def test_only_the_voter_s_own_tries_refuse(policy: Policy) -> None:
    for active_signals in EVERY:
        assert decision(active_signals, policy) is not ScreeningDecision.SLOW_DOWN
        verdict = decide(active_signals, voter_over_limit=True, policy=policy)
        assert verdict == (ScreeningDecision.SLOW_DOWN, active_signals)


@pytest.mark.parametrize("signal", list(NETWORK | DEVICE))
def test_no_single_network_or_device_signal_holds(signal: Signal) -> None:
    """At most it asks for a challenge, and a solved one counts."""
    for policy in POLICIES:
        assert decision(signal, policy) in (ScreeningDecision.COUNT, ScreeningDecision.CHALLENGE)
        assert decision(signal | Signal.CHALLENGE_SOLVED, policy) is ScreeningDecision.COUNT


@pytest.mark.parametrize(
    "crowd",
    [
        Signal.CROWDED_NETWORK,
        Signal.CROWDED_NETWORK | Signal.REPEATED_DEVICE,
        Signal.CROWDED_NETWORK | Signal.REPEATED_DEVICE | Signal.HURRIED,
        Signal.CROWDED_NETWORK | Signal.YOUNG_ACCOUNT | Signal.HURRIED,
        Signal.YOUNG_ACCOUNT | Signal.HURRIED,
    ],
)
def test_an_honest_crowd_with_a_popular_telephone_is_never_held(crowd: Signal) -> None:
    """Carrier networks, canteens, new users who know whom they want."""
    assert decision(crowd | Signal.CHALLENGE_SOLVED) is ScreeningDecision.COUNT


@pytest.mark.parametrize(
    "farm",
    [
        Signal.CROWDED_NETWORK | Signal.FEW_DEVICES,
        Signal.CLOUD_NETWORK | Signal.AUTOMATED_AGENT,
        Signal.CLOUD_NETWORK | Signal.HURRIED,
        Signal.AUTOMATED_AGENT | Signal.YOUNG_ACCOUNT,
        Signal.PLATFORM_CEILING,
    ],
)
def test_what_coincides_is_held_whatever_work_was_done(farm: Signal) -> None:
    assert decision(farm | Signal.CHALLENGE_SOLVED) is ScreeningDecision.HOLD


@pytest.mark.parametrize("policy", POLICIES)
def test_the_price_known_beforehand_is_what_is_decided_after_counting(policy: Policy) -> None:
    """admit.lua knows by it who will be asked for a challenge, and counts only the others."""
    rates = Signal.CROWDED_NETWORK | Signal.REPEATED_DEVICE
    counting = (*rates, rates, Signal.FEW_DEVICES, Signal.PLATFORM_CEILING)
    for known_names in EVERY:
        if known_names & (rates | Signal.FEW_DEVICES | Signal.PLATFORM_CEILING):
            continue
        for counted in (Signal(0), *counting):
            is_challenged = {
                Price.NEVER: False,
                Price.OVER_RATE: bool(counted & rates),
                Price.ALWAYS: True,
            }[Price(price(known_names, policy))]
            assert is_challenged is (
                decision(known_names | counted, policy) is ScreeningDecision.CHALLENGE
            )


def test_more_signals_never_make_it_better() -> None:
    """Apart from a solved challenge: it turns a question into a count or a hold."""
    weight = {ScreeningDecision.COUNT: 0, ScreeningDecision.CHALLENGE: 1, ScreeningDecision.HOLD: 1}
    for active_signals in EVERY:
        for signal in Signal:
            if signal is not Signal.CHALLENGE_SOLVED and not active_signals & signal:
                assert weight[decision(active_signals | signal)] >= weight[decision(active_signals)]


def test_a_contest_may_switch_both_off_and_a_ceiling_still_holds() -> None:
    for active_signals in EVERY:
        plain = decision(active_signals, Policy(challenge=False, hold=False))
        over = bool(active_signals & Signal.PLATFORM_CEILING)
        assert plain is (ScreeningDecision.HOLD if over else ScreeningDecision.COUNT)


def test_dispositions_fit_the_column() -> None:
    """migrations: 0 counted, 1 held; the signals fit a smallint."""
    assert (ScreeningDecision.COUNT, ScreeningDecision.HOLD) == (0, 1)
    assert max(EVERY) < 2**15
