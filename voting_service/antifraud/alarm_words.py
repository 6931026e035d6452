"""What an alarm says to staff, in both languages. Names what it looks like, accuses nobody."""

from __future__ import annotations

from collections.abc import Mapping

from voting_service.antifraud.alarm import Alarm, Looks, What
from voting_service.contests.model import Text

_WHAT: Mapping[What, Text] = {
    "candidate": Text(
        zh="{who}得票突增：最近约{span}得到约{observed}票，同样多的选票通常只带来约{expected}票。",
        en="{who} has many more votes than usual: about {observed} within about {span}, where as "
        "many ballots usually bring about {expected}.",
    ),
    "platform": Text(
        zh="平台“{where}”的选票突增：最近约{span}有约{observed}张，通常约{expected}张。",
        en="Many more ballots than usual come from the platform {where}: about {observed} within "
        "about {span}, where about {expected} are usual.",
    ),
    "network": Text(
        zh="网络 {where} 的选票集中投给{who}：最近约{span}有约{observed}票，"
        "同样多的选票通常只带来约{expected}票。",
        en="Ballots from the network {where} name {who} far more often than elsewhere: about "
        "{observed} within about {span}, where as many ballots usually bring about {expected}.",
    ),
}
_LOOKS: Mapping[Looks, Text] = {
    "broadcast": Text(
        zh="增加的票同时来自各个平台和网络，像是电视报道或消息广泛转发后大家一起投票。",
        en="They come from all platforms and networks at once, as after a mention on television "
        "or a message that many pass on.",
    ),
    "swell": Text(
        zh="增加的票来自各个平台和网络，已持续一段时间，像是人气上升，也可能是分散的刷票。",
        en="They have come from all platforms and networks for a while: perhaps a candidate who "
        "is gaining favour, perhaps bought votes that are well spread.",
    ),
    "one_platform": Text(
        zh="增加的票主要来自一个平台，可能是该平台正在推广，也可能是该平台的账号被批量利用。",
        en="Most of them come from one platform: perhaps it calls upon its readers, perhaps "
        "accounts there are being used in bulk.",
    ),
    "one_network": Text(
        zh="主要来自一个网络，像是单位或学校集中投票，也可能是机器或群控设备刷票。",
        en="Most of them come from one network: perhaps an employer or a school that votes "
        "together, perhaps machines.",
    ),
}
_END = Text(
    zh="系统没有因此暂扣任何选票，请人工查看。",
    en="Nothing is held because of it; please look.",
)
_NETWORK_DIGITS = 8


def sentence(alarm: Alarm, candidates: Mapping[int, Text], platforms: Mapping[int, Text]) -> Text:
    """`candidates` and `platforms` by number and id; one that is missing is called by that."""
    return Text(
        zh=_in(alarm, candidates, platforms, "zh"), en=_in(alarm, candidates, platforms, "en")
    )


def _in(
    alarm: Alarm, candidates: Mapping[int, Text], platforms: Mapping[int, Text], language: str
) -> str:
    subject = alarm.subject
    who = where = ""
    if subject.candidate is not None:
        name = candidates.get(subject.candidate)
        number = f"{subject.candidate}号" if language == "zh" else f"no. {subject.candidate}"
        who = f"{number} {getattr(name, language)}" if name else number
    if subject.platform is not None:
        called = platforms.get(subject.platform)
        where = getattr(called, language) if called else str(subject.platform)
    if isinstance(subject.network, bytes):
        where = subject.network.hex()[:_NETWORK_DIGITS]
    parts = [getattr(text, language) for text in (_WHAT[subject.what], _LOOKS[alarm.looks], _END)]
    return (
        ("" if language == "zh" else " ")
        .join(parts)
        .format(
            who=who,
            where=where,
            span=_span(alarm.span, language),
            observed=_figure(alarm.observed),
            expected=_figure(alarm.expected),
        )
    )


def _span(minutes: int, language: str) -> str:
    if minutes < 60:
        return f"{minutes}分钟" if language == "zh" else f"{minutes} minutes"
    hours = minutes // 60
    if language == "zh":
        return f"{hours}小时"
    return f"{hours} hours" if hours > 1 else "an hour"


def _figure(value: float) -> str:
    return f"{value:.0f}" if value >= 1 else "<1"
