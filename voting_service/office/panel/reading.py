"""The panel for whoever asks: experts meet their own conflicts of interest first."""

from __future__ import annotations

from fractions import Fraction

from starlette.requests import Request

from voting_service.accounts.model import Role
from voting_service.desk.access import visitor
from voting_service.desk.state import desk_of
from voting_service.errors import Refused
from voting_service.office.asked import selection_of
from voting_service.office.model import READERS
from voting_service.office.panel.candidates import load_recommended, matches
from voting_service.office.panel.model import SCORING, Expert, Panel
from voting_service.office.panel.store import load_panel, notice_conflicts
from voting_service.office.sealing import PersonalKeys
from voting_service.storage.postgres import AnyConnection

PREFIX = "/selections/{slug}/panel"
JUDGES: tuple[Role, ...] = (*READERS, "expert")
"""Who may look at the panel; an expert only at the own one."""


async def panel_of(request: Request, connection: AnyConnection) -> Panel:
    """The panel of the path. Raises NotFound, and Refused for experts of another."""
    desk = desk_of(request)
    selection = await selection_of(request, connection)
    panel = await load_panel(connection, selection, desk.clock())
    if visitor(request).account.role != "expert":
        return panel
    expert = own_place(request, panel)
    if SCORING in panel.ends or not panel.cut:
        return panel
    keys = PersonalKeys.of(desk.settings)
    found = matches(expert, await load_recommended(connection, keys, panel))
    if set(found) <= panel.excluded(expert.account_id):
        return panel
    await notice_conflicts(connection, expert, found)
    return await load_panel(connection, selection, desk.clock())


def own_place(request: Request, panel: Panel) -> Expert:
    """The visitor as an expert of the panel. Raises Refused."""
    expert = panel.expert(visitor(request).account.id)
    if expert is None:
        raise Refused(
            "you are an expert of another selection; ask the joint office for an invitation",
            zh="您不是本次选树的评审专家，请联系市高技办。",
        )
    return expert


def score_text(value: Fraction) -> str:
    """With two decimals; only the eye sees it rounded, places go by the exact value."""
    hundredths = round(value * 100)
    return f"{hundredths // 100}.{hundredths % 100:02}"
