"""What the pages of lists share: sentences about a list."""

from __future__ import annotations

from voting_service.errors import Fault
from voting_service.i18n.text import Language
from voting_service.sites.nomination.recommendations.context import fault_sentence


def about_list(fault: Fault, reader: Language) -> str:
    """Return a fault of a list as a sentence; those of readers of files go on after the name."""
    if reader == "en" and fault.code.startswith("infrastructure."):
        return f"The file {fault.message}."
    return fault_sentence(fault, reader)
