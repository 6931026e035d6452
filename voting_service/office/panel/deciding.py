"""What two people decide about a panel: its rules, and that a round ends without somebody."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from voting_service.accounts.model import Account
from voting_service.contests.model import Text
from voting_service.decisions.model import Decision
from voting_service.decisions.store import propose, record_approval
from voting_service.errors import Fault, InvalidInput, Refused
from voting_service.office.panel.aggregation import Criterion, Method, PanelRules
from voting_service.office.panel.model import SCORING, Panel
from voting_service.storage.postgres import AnyConnection

CRITERIA = 8
"""At most; a form has so many rows."""
MAX_POINTS = 1000
MAX_NAME_CHARACTERS = 40
_METHODS: Mapping[str, Method] = {
    "mean": "mean",
    "trimmed_mean": "trimmed_mean",
    "rank_sum": "rank_sum",
}

SUGGESTED = PanelRules(
    criteria=(
        Criterion("skill", Text("技能水平", "Skill"), 35, 100),
        Criterion("achievement", Text("业绩贡献", "Achievements"), 35, 100),
        Criterion("training", Text("传艺带徒", "Training others"), 15, 100),
        Criterion("conduct", Text("职业道德", "Professional ethics"), 15, 100),
    ),
    method="trimmed_mean",
    trim=1,
    minimum_experts=5,
    discussion=True,
)
"""What the form begins with; the notice names what is judged, not how it is weighed."""


def read_rules(fields: Mapping[str, str]) -> PanelRules:
    """From the form's fields. Raises InvalidInput with every fault."""
    faults: list[Fault] = []
    criteria = []
    for row in range(1, CRITERIA + 1):
        zh, en = (fields.get(f"name-{row}-{tongue}", "").strip() for tongue in ("zh", "en"))
        if not zh and not en:
            continue
        for tongue, name in (("zh", zh), ("en", en)):
            if not 1 <= len(name) <= MAX_NAME_CHARACTERS or not name.isprintable():
                faults.append(
                    Fault(
                        f"name-{row}-{tongue}",
                        f"name the criterion in both languages, up to {MAX_NAME_CHARACTERS} "
                        "characters",
                        f"请用中英文填写评分标准名称，最多 {MAX_NAME_CHARACTERS} 个字。",
                    )
                )
        weight = _whole(fields, f"weight-{row}", 1, 100, faults)
        most = _whole(fields, f"most-{row}", 1, MAX_POINTS, faults)
        criteria.append(Criterion(f"c{row}", Text(zh, en), weight, most))
    if not criteria:
        faults.append(Fault("name-1-zh", "name at least one criterion", "请至少填写一项评分标准。"))
    method = _METHODS.get(fields.get("method", ""))
    if method is None:
        faults.append(Fault("method", "choose how scores are brought together", "请选择汇总方法。"))
    trim = _whole(fields, "trim", 1, 5, faults) if method == "trimmed_mean" else 0
    experts = _whole(fields, "minimum_experts", 1, 99, faults)
    if faults or method is None:
        raise InvalidInput(*faults)
    return PanelRules(
        criteria=tuple(criteria),
        method=method,
        trim=trim,
        minimum_experts=experts,
        discussion=fields.get("discussion") == "yes",
    )


def _whole(fields: Mapping[str, str], name: str, least: int, most: int, faults: list[Fault]) -> int:
    text = fields.get(name, "").strip()
    if re.fullmatch(r"[0-9]{1,4}", text) and least <= int(text) <= most:
        return int(text)
    faults.append(
        Fault(
            name,
            f"must be a whole number from {least} to {most}",
            f"请填写 {least} 至 {most} 的整数。",
        )
    )
    return least


async def propose_rules(
    connection: AnyConnection, panel: Panel, account: Account, rules: PanelRules, now: datetime
) -> int:
    """A second person approves them; they can be replaced until the first sheet is saved.
    Raises Refused afterwards."""
    if panel.sheets:
        raise Refused(
            "scoring has begun: criteria, weights and method stay as they are",
            zh="评分已经开始，评审规则不能再改。",
        )
    approved = sum(
        one.subject.startswith("rules/") and one.state == "approved" for one in panel.decisions
    )
    return await propose(
        connection,
        panel.selection,
        account,
        kind="panel",
        subject=f"rules/{approved + 1}",
        payload=msgspec.to_builtins(rules),
        now=now,
    )


async def propose_close(
    connection: AnyConnection, panel: Panel, account: Account, asked: int, now: datetime
) -> int:
    """Ends the open round without those who have not handed in, who are named in the decision
    by their accounts. Raises Refused when that round is not open, or too few are in."""
    if panel.open_round != asked or panel.rules is None:
        raise Refused("this round is not open; load the page anew", zh="这一轮评审不在进行中。")
    present = len(panel.handed_in(SCORING))
    if present < panel.rules.minimum_experts:
        raise Refused(
            f"{present} experts have handed in and the rules ask for "
            f"{panel.rules.minimum_experts}; wait for them, or appoint more",
            zh=f"已有 {present} 位专家提交，规则要求至少 {panel.rules.minimum_experts} 位。"
            "请等待或增聘专家。",
        )
    missing = absent(panel, asked)
    return await propose(
        connection,
        panel.selection,
        account,
        kind="panel",
        subject=f"close/{asked}",
        payload={"round": asked, "absent": list(missing)},
        now=now,
    )


def absent(panel: Panel, asked: int) -> Sequence[int]:
    """The accounts that a round still waits for."""
    return [
        one.account_id
        for one in panel.expected(asked)
        if one.account_id not in panel.handed_in(asked)
    ]


async def approve(
    connection: AnyConnection, panel: Panel, account: Account, decision: Decision, now: datetime
) -> None:
    """The second person's word. Raises Refused when experts handed in, or came to the panel,
    since a close was proposed: it names whom the round is closed without."""
    if decision.kind != "panel":
        raise Refused(f"decision {decision.id} is not about the panel", zh="该决定与评审无关。")
    if decision.subject.startswith("close/"):
        asked = int(decision.payload["round"])
        if decision.payload["absent"] != list(absent(panel, asked)):
            raise Refused(
                "other experts are missing than when this was proposed: propose it again",
                zh="提议之后未提交的专家有变化，请重新提议。",
            )
    await record_approval(connection, panel.selection, decision, account, now)
