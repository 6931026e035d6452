"""Coarse classes of user agents, the only part of them that is stored.

A class is stored with the ballot by its number, so numbers never change their meaning; the name
is for staff.
"""

from __future__ import annotations

from typing import NamedTuple


class AgentClass(NamedTuple):
    """`automated`: the user agent names a program that is neither a browser nor a phone's app."""

    number: int
    name: str
    automated: bool = False


UNKNOWN = AgentClass(0, "unknown")
OTHER = AgentClass(1, "other")

_MARKS: tuple[tuple[str, AgentClass], ...] = (
    # Programs first: some of them name a browser as well.
    ("headless", AgentClass(2, "headless browser", automated=True)),
    ("phantomjs", AgentClass(2, "headless browser", automated=True)),
    ("python", AgentClass(3, "script", automated=True)),
    ("curl/", AgentClass(3, "script", automated=True)),
    ("wget/", AgentClass(3, "script", automated=True)),
    ("go-http-client", AgentClass(3, "script", automated=True)),
    ("java/", AgentClass(3, "script", automated=True)),
    ("apache-httpclient", AgentClass(3, "script", automated=True)),
    ("node-fetch", AgentClass(3, "script", automated=True)),
    ("axios/", AgentClass(3, "script", automated=True)),
    ("scrapy", AgentClass(3, "script", automated=True)),
    ("libwww-perl", AgentClass(3, "script", automated=True)),
    # Messengers and news apps show pages in their own web view.
    ("micromessenger", AgentClass(10, "WeChat")),
    ("dingtalk", AgentClass(11, "DingTalk")),
    ("weibo", AgentClass(12, "Weibo")),
    ("alipayclient", AgentClass(13, "Alipay")),
    ("aweme", AgentClass(14, "Douyin")),
    ("newsarticle", AgentClass(15, "Toutiao")),
    ("qq/", AgentClass(16, "QQ")),
    # HTTP clients of native apps.
    ("okhttp", AgentClass(20, "Android app")),
    ("cfnetwork", AgentClass(21, "iOS app")),
    ("huaweibrowser", AgentClass(30, "Huawei browser")),
    ("miuibrowser", AgentClass(31, "Xiaomi browser")),
    ("ucbrowser", AgentClass(32, "UC browser")),
    ("qqbrowser", AgentClass(33, "QQ browser")),
    ("firefox", AgentClass(34, "Firefox")),
    ("edg/", AgentClass(35, "Edge")),
    ("chrome", AgentClass(36, "Chrome")),
    ("safari", AgentClass(37, "Safari")),
)
CLASSES = {agent.number: agent for agent in (UNKNOWN, OTHER, *(agent for _, agent in _MARKS))}
"""Every class by its number."""


def agent_class(user_agent: str) -> AgentClass:
    """Return the class of a User-Agent header; an empty one is unknown, which is not a signal."""
    if not user_agent:
        return UNKNOWN
    text = user_agent.lower()
    for mark, agent in _MARKS:
        if mark in text:
            return agent
    return OTHER
