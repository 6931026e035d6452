"""The rules of a panel as a form gives them, and the rules that the form suggests."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import get_args

from voting_service.errors import Fault, InvalidInput
from voting_service.i18n.catalogues import load_text
from voting_service.i18n.text import Text
from voting_service.i18n.typed_numbers import plain_number
from voting_service.nomination.panel.aggregation import Criterion, Method, PanelRules

MAX_CRITERIA = 8
"""The rows of the form."""
MAX_POINTS = 1000
MAX_NAME_CHARACTERS = 40
MAX_ACCOUNT = 10_000_000
_SUGGESTED_WEIGHTS = {"skill": 35, "achievement": 35, "training": 15, "conduct": 15}


def suggested_rules() -> PanelRules:
    """Return the rules that the form starts with. The official notice names the criteria, not
    their weights."""
    return PanelRules(
        criteria=tuple(
            Criterion(key, load_text("panel", f"suggested_criteria.{key}"), weight, 100)
            for key, weight in _SUGGESTED_WEIGHTS.items()
        ),
        method="trimmed_mean",
        trim=1,
        minimum_experts=5,
        discussion=True,
    )


def read_rules(fields: Mapping[str, str]) -> PanelRules:
    """Return the rules of the form's fields. Raises InvalidInput with every fault."""
    faults: list[Fault] = []
    criteria = _read_criteria(fields, faults)
    method: Method | None = next(
        (option for option in get_args(Method) if option == fields.get("method")), None
    )
    if method is None:
        faults.append(Fault("method", "nomination.panel.choose_method"))
    trim = _whole_number(fields, "trim", range(1, 6), faults) if method == "trimmed_mean" else 0
    experts = _whole_number(fields, "minimum_experts", range(1, 100), faults)
    chair = None
    if fields.get("chair"):
        chair = _whole_number(fields, "chair", range(1, MAX_ACCOUNT), faults)
    if faults or method is None:
        raise InvalidInput(*faults)
    return PanelRules(
        criteria=criteria,
        method=method,
        trim=trim,
        minimum_experts=experts,
        discussion=fields.get("discussion") == "yes",
        chair=chair,
    )


def _read_criteria(fields: Mapping[str, str], faults: list[Fault]) -> tuple[Criterion, ...]:
    criteria = []
    for row in range(1, MAX_CRITERIA + 1):
        names = {
            language: fields.get(f"name-{row}-{language}", "").strip() for language in ("zh", "en")
        }
        if not any(names.values()):
            continue
        faults.extend(
            Fault(
                f"name-{row}-{language}",
                "nomination.panel.criterion_name_length",
                limit=MAX_NAME_CHARACTERS,
            )
            for language, name in names.items()
            if not 1 <= len(name) <= MAX_NAME_CHARACTERS or not name.isprintable()
        )
        weight = _whole_number(fields, f"weight-{row}", range(1, 101), faults)
        points = _whole_number(fields, f"most-{row}", range(1, MAX_POINTS + 1), faults)
        criteria.append(Criterion(f"c{row}", Text(**names), weight, points))
    if not criteria:
        faults.append(Fault("name-1-zh", "nomination.panel.no_criteria"))
    return tuple(criteria)


def _whole_number(fields: Mapping[str, str], name: str, allowed: range, faults: list[Fault]) -> int:
    text = plain_number(fields.get(name, ""))
    if re.fullmatch(r"[0-9]{1,7}", text) and int(text) in allowed:
        return int(text)
    faults.append(Fault(name, "nomination.panel.whole_number", least=allowed[0], most=allowed[-1]))
    return allowed[0]
