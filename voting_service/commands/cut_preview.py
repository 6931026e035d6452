"""The state of a cut as tables on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from voting_service.commands.output import message
from voting_service.staff.approvals.model import ApprovalRequest
from voting_service.voting.cut.examination import Examination
from voting_service.voting.cut.ranking import NEIGHBOURS, margins
from voting_service.voting.cut.safety import Safety, conclusion


def print_preview(examination: Examination, console: Console) -> None:
    """Print the checklist, the ranking around the cut line, the margins and the open approvals."""
    contest = examination.contest
    size = contest.rules.cut.size
    console.print(
        escape(f"{contest.rules.title.zh} / {contest.rules.title.en} ({contest.slug})"),
        message("cut.rule", size=size, tie=contest.rules.cut.tie),
        sep="\n",
        highlight=False,
    )
    for check in examination.checks:
        sign = "[green]✔[/]" if check.done else "[red]✘[/]"
        console.print(f"{sign} {check.name}: {escape(check.detail.en)}", highlight=False)
    if examination.published:
        published = examination.published
        console.print(
            message(
                "cut.published",
                version=published.version,
                at=published.published_at,
                visible=published.visible_at,
            )
        )
    console.print(_neighbours(examination))
    console.print(_margins(examination))
    safety_text = conclusion(examination.safety, closed=examination.closed)
    console.print(escape(safety_text.en), highlight=False)
    if examination.safety.open_holds or examination.safety.loose_ballots:
        console.print(_worst_case(examination.safety))
    waiting = [d for d in examination.decisions if d.state == "waiting"]
    if waiting:
        print_decisions(waiting, console)


def _neighbours(examination: Examination) -> Table:
    size = examination.contest.rules.cut.size
    names = {candidate.number: candidate.name for candidate in examination.contest.candidates}
    table = Table(title=message("cut.around_line"), title_justify="left")
    for column in ("place", "rank", "number"):
        table.add_column(column, justify="right")
    table.add_column("name", overflow="fold")
    for column in ("gross", "held", "void", "net"):
        table.add_column(column, justify="right")
    for place, standing in enumerate(examination.standings, start=1):
        if not size - NEIGHBOURS < place <= size + NEIGHBOURS:
            continue
        name = names.get(standing.number)
        count = examination.counts[standing.number]
        figures = (count.gross, count.held, count.void, count.net)
        table.add_row(
            str(place),
            str(standing.rank),
            str(standing.number),
            escape(f"{name.zh} / {name.en}" if name else message("cut.no_candidate")),
            *(str(figure) for figure in figures),
            end_section=place == size,
        )
    return table


def _margins(examination: Examination) -> Table:
    size = examination.contest.rules.cut.size
    columns = ("place", "number", "ahead of", "by votes")
    table = Table(*columns, title=message("cut.margins"), title_justify="left")
    for margin in margins(examination.standings, size):
        table.add_row(
            str(margin.place),
            str(margin.number),
            str(margin.next_number),
            str(margin.votes),
            end_section=margin.place in (size - 1, size),
        )
    return table


def _worst_case(safety: Safety) -> Table:
    table = Table(title=message("cut.worst_case"), title_justify="left")
    for column in ("place", "number", "net", "lowest", "highest", "against", "lead", "then"):
        table.add_column(column, justify="right")
    table.add_column("entered")
    table.add_column("left")
    for row in safety.neighbours:
        figures = (row.place, row.number, row.net, row.lowest, row.highest, row.rival)
        table.add_row(
            *(str(figure) for figure in (*figures, row.lead, row.worst_lead)),
            ", ".join(map(str, row.entered)),
            ", ".join(map(str, row.left)),
            end_section=row.place == safety.size,
        )
    return table


def print_decisions(decisions: Sequence[ApprovalRequest], console: Console) -> None:
    """Print a line for each approval request: what it is, who proposed and who approved it."""
    for decision in decisions:
        if decision.approved_at:
            state = message("cut.state_approved", name=decision.approver, at=decision.approved_at)
        elif decision.declined_at:
            state = message(
                "cut.state_rejected", name=decision.decliner, reason=decision.declined_because
            )
        else:
            state = message("cut.state_waiting", decision=decision.id)
        line = message(
            "cut.decision",
            id=decision.id,
            description=decision.describe("en"),
            proposer=decision.proposer,
            at=decision.proposed_at,
            state=state,
        )
        console.print(escape(line), highlight=False, soft_wrap=True)
