"""What a reviewer should look at on a form; unlike a fault it prevents nothing. No I/O."""

from __future__ import annotations

from voting_service.errors import Note
from voting_service.nomination.form.model import Month, RecommendationForm

WORKING_AGE_YEARS = 16
"""Labour Law of the PRC, article 15, since 1995; units of arts, sport and special crafts may employ
younger people, and many who were born before 1980 began earlier."""


def notes(form: RecommendationForm, *, has_coarse_photo: bool = False) -> tuple[Note, ...]:
    """Return the notes on a form and its photo, in the form's order."""
    listed = [Note("photo", "nomination.form.coarse_photo")] if has_coarse_photo else []
    start, birth = form.first_employed, form.birth
    if start is None or birth is None or start < birth:
        return tuple(listed)
    if start < Month(birth.year + WORKING_AGE_YEARS, birth.month):
        listed.append(
            Note("first_employed", "nomination.form.employed_young", age=WORKING_AGE_YEARS)
        )
    return tuple(listed)
