"""What is still to be done on a recommendation, and where."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from voting_service.errors import Fault
from voting_service.i18n.text import Language
from voting_service.nomination.form.model import RecommendationForm
from voting_service.sites.nomination.recommendations.context import fault_sentence
from voting_service.sites.nomination.recommendations.form_steps import (
    STEPS,
    Step,
    find_step,
    page_field,
)


class OpenTask(NamedTuple):
    """One thing to do before submission, and the field where it is done."""

    step: Step
    name: str
    id: str
    sentence: str


def open_tasks(
    faults: Iterable[Fault], form: RecommendationForm, reader: Language
) -> list[OpenTask]:
    """Return a task for each fault, in their order."""
    tasks: list[OpenTask] = []
    for fault in faults:
        name = page_field(fault, form)
        sentence = fault_sentence(fault, reader)
        tasks.append(OpenTask(find_step(name), name, name.replace(".", "-"), sentence))
    return tasks


def tasks_by_step(tasks: Iterable[OpenTask]) -> dict[Step, list[OpenTask]]:
    """Return the tasks of each step; a step with nothing to do has none."""
    grouped: dict[Step, list[OpenTask]] = {step: [] for step in STEPS}
    for task in tasks:
        grouped[task.step].append(task)
    return grouped
