"""Zones by the names that people give them, and deadlines on the day whose end they are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import pytest

from voting_service.i18n.formatting import written_deadline, written_zone

SUMMER = datetime(2022, 7, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "zh", "en"),
    [
        (ZoneInfo("Asia/Shanghai"), "北京时间", "Beijing time (UTC+8)"),
        (ZoneInfo("PRC"), "北京时间", "Beijing time (UTC+8)"),
        (ZoneInfo("Asia/Urumqi"), "中国（乌鲁木齐）时间 UTC+6", "China (Urumqi) Time (UTC+6)"),
        (ZoneInfo("Europe/Berlin"), "中欧夏令时间 UTC+2", "Central European Summer Time (UTC+2)"),
        (ZoneInfo("Asia/Kolkata"), "印度时间 UTC+5:30", "India Time (UTC+5:30)"),
        (ZoneInfo("UTC"), "协调世界时 UTC+0", "Coordinated Universal Time (UTC+0)"),
        (ZoneInfo("Etc/GMT+3"), "UTC-03:00", "UTC-03:00"),
        (timezone(timedelta(hours=8)), "UTC+08:00", "UTC+08:00"),
    ],
)
def test_a_zone_has_the_name_that_people_give_it(zone: tzinfo, zh: str, en: str) -> None:
    assert (written_zone(SUMMER, zone, "zh"), written_zone(SUMMER, zone, "en")) == (zh, en)


def test_midnight_is_the_end_of_the_day_before() -> None:
    zone = ZoneInfo("Asia/Shanghai")
    midnight = datetime(2022, 7, 1, tzinfo=zone)
    assert written_deadline(midnight, zone, "zh") == "2022年6月30日24时"
    assert written_deadline(midnight, zone, "en") == "the end of 30 June 2022"
    assert written_deadline(midnight - timedelta(minutes=1), zone, "zh") == "2022年6月30日 23:59"
