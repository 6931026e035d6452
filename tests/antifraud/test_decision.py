"""④ over every combination of signals."""

from __future__ import annotations

from itertools import product

import pytest

from voting_service.antifraud.decision import Decision, Signals, decide

ALL = [Signals(*flags) for flags in product((False, True), repeat=len(Signals._fields))]


@pytest.mark.parametrize("signals", ALL)
def test_the_network_never_changes_what_happens_to_a_vote(signals: Signals) -> None:
    """An honest voter behind a shared address is never refused because of the address; so long
    as there is no second signal to join it, it must not matter at all."""
    assert decide(signals) == decide(signals._replace(network_over_limit=False))


@pytest.mark.parametrize("signals", ALL)
def test_only_the_voter_s_own_tries_refuse(signals: Signals) -> None:
    refused = decide(signals) is Decision.SLOW_DOWN
    assert refused == signals.voter_over_limit


@pytest.mark.parametrize("signals", ALL)
def test_only_an_announced_ceiling_holds(signals: Signals) -> None:
    if decide(signals) is Decision.HOLD:
        assert signals.platform_over_ceiling


def test_who_passes_counts_screened_or_not() -> None:
    assert decide(Signals()) is Decision.COUNT
    assert decide(Signals(screened=False)) is Decision.COUNT


def test_dispositions_fit_the_column() -> None:
    """migrations: 0 counted, 1 held."""
    assert (Decision.COUNT, Decision.HOLD) == (0, 1)
