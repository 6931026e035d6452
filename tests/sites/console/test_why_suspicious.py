"""The candidate's page has in words what speaks against votes, and leads to the evidence."""

from __future__ import annotations

from datetime import timedelta

from tests.contest_data import execute_as_owner, store_platform
from tests.cut_data import OPENS
from tests.sites.console.running_staff_app import StaffApp
from tests.voting.tally.cast_ballots import Cast, open_field
from voting_service.antifraud.alarms.detection import Alarm, AlarmSubject
from voting_service.antifraud.alarms.messages import alarm_message
from voting_service.antifraud.alarms.repository import minute_number, store_alarm
from voting_service.antifraud.screening.decision import Signal, signal_names

BASE = "/contests/field"


def test_every_signal_has_a_name() -> None:
    for signal in Signal:
        assert signal_names(signal) == (str(signal.name).lower(),)
    both = Signal.CLOUD_NETWORK | Signal.HURRIED
    assert signal_names(both) == ("cloud_network", "hurried")
    assert signal_names(0) == ()


async def test_why_is_said_with_counts_and_links(staff_app: StaffApp) -> None:
    database = staff_app.database
    field = await open_field(database, "field")
    alpha = await store_platform(database, "alpha")
    held = [Cast([1, 2], OPENS + timedelta(minutes=n), alpha, held=True) for n in range(3)]
    await field.add(database, [*held, Cast([3], OPENS, alpha, held=True), Cast([1], OPENS, alpha)])
    for ballot, signals in zip(
        held, (Signal.CLOUD_NETWORK | Signal.AUTOMATED_AGENT,) * 2 + (Signal.FEW_DEVICES,),
        strict=True,
    ):  # fmt: skip
        await execute_as_owner(
            staff_app.settings.owner_database_url,
            "alter table ballots disable trigger user;"
            f"update ballots set signals = {int(signals)}"
            f" where ballot_id = '\\x{ballot.ballot_id.hex()}'",
        )
    at = minute_number(OPENS + timedelta(minutes=3))
    alarm = Alarm(at, AlarmSubject("candidate", candidate=1), 15, 41.0, 3.2, 30.0, "one_network")
    sentence = alarm_message(alarm, {}, {})
    assert await store_alarm(database, field.contest.id, alarm, sentence, OPENS)
    hold = await field.hold(database, held, OPENS + timedelta(hours=1), label="farm")
    await staff_app.refresh()
    token = await staff_app.token("tally_clerk")
    english = (await staff_app.client(token).get(f"{BASE}/candidates/1")).text
    why = english[
        english.index("data-why") : english.index("</section>", english.index("data-why"))
    ]
    for words in (
        "Ballots with this candidate that were held when they were cast: 3",
        "sent from a hosting company, sent by a program: 2",
        "many votes from few devices: 1",
        "automatic checks found: 1, with 3 votes",
        f'href="{BASE}/holds/{hold}"',
        sentence.en,
        "candidate=1",
        "state=held",
    ):
        assert words in why, words
    chinese = staff_app.client(token, **{"accept-language": "zh-CN"})
    page = (await chinese.get(f"{BASE}/candidates/2")).text
    assert "有 3 张选了这位候选人" in page
    assert "来自云服务器网络、由程序提交：2 张" in page
    assert sentence.zh not in page
    assert "目前没有警报" in (await chinese.get(f"{BASE}/candidates/5")).text
