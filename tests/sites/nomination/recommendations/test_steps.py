"""Laws of the steps: a page that is sent back as it was shown changes nothing."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.nomination.form.people import complete_form
from voting_service.infrastructure.text_files import without_marks
from voting_service.nomination.form.model import (
    Achievement,
    Month,
    Opinion,
    RecommendationForm,
)
from voting_service.nomination.form.validation import FormRules, faults
from voting_service.sites.nomination.recommendations.form_steps import (
    ACHIEVEMENTS,
    FIELDS,
    QUALIFICATIONS,
    SEXES,
    STEPS,
    apply_values,
    find_step,
    page_field,
    parse_day,
    parse_month,
    posted_values,
    step_values,
    values_fingerprint,
)

INDUSTRIES = ("equipment", "energy")
LINES = st.text(max_size=30).map(without_marks)
TEXTS = LINES.map(str.strip)
MONTHS = st.builds(Month, st.integers(1900, 2100), st.integers(1, 12))
DAYS = st.dates(date(1900, 1, 1), date(2100, 1, 1))
OPINIONS = st.builds(Opinion, text=LINES, signer=TEXTS, signed_on=st.none() | DAYS)
KINDS = st.sets(st.sampled_from(ACHIEVEMENTS)).map(
    lambda chosen: [kind for kind in ACHIEVEMENTS if kind in chosen]
)
FORMS = st.builds(
    RecommendationForm,
    name=TEXTS,
    sex=st.none() | st.sampled_from(SEXES),
    birth=st.none() | MONTHS,
    id_number=TEXTS,
    employer=TEXTS,
    is_central_unit=st.booleans(),
    first_employed=st.none() | MONTHS,
    industry=st.sampled_from(("", *INDUSTRIES)),
    skills=LINES,
    qualification=st.none() | st.sampled_from(QUALIFICATIONS),
    achievements=KINDS.flatmap(
        lambda kinds: st.tuples(
            *(st.builds(Achievement, kind=st.just(kind), pages=TEXTS) for kind in kinds)
        )
    ),
    evidence_confirmed_on=st.none() | DAYS,
    employer_opinion=OPINIONS,
    body_opinion=OPINIONS,
)


def sent_back(form: RecommendationForm, onto: RecommendationForm) -> RecommendationForm:
    """Every step of `form` as a page shows and posts it, read into `onto`."""
    for step in STEPS:
        fields = {
            name: [value] if isinstance(value, str) else list(value)
            for name, value in step_values(form, step).items()
        }
        onto, unreadable = apply_values(onto, step, posted_values(step, fields), INDUSTRIES)
        assert unreadable == ()
    return onto


@given(FORMS)
def test_posting_an_unchanged_page_changes_nothing(form: RecommendationForm) -> None:
    assert sent_back(form, form) == form


@given(FORMS, FORMS)
def test_the_steps_together_hold_the_whole_form(
    form: RecommendationForm, other: RecommendationForm
) -> None:
    assert sent_back(form, other) == form


@given(FORMS, FORMS)
def test_the_fingerprint_identifies_the_values(
    form: RecommendationForm, other: RecommendationForm
) -> None:
    for step in STEPS:
        shown, others = step_values(form, step), step_values(other, step)
        assert (values_fingerprint(shown) == values_fingerprint(others)) == (shown == others)


@pytest.mark.parametrize("text", ["1980-05", "1980.5", "1980年5月", "1980/05", "１９８０－０５"])
def test_months_as_people_write_them(text: str) -> None:
    assert parse_month(text) == Month(1980, 5)


@pytest.mark.parametrize("text", ["", "1980", "1980-13", "80-05", "五月", "1980-05-"])
def test_other_text_is_no_month(text: str) -> None:
    assert parse_month(text) is None


@pytest.mark.parametrize("text", ["2022-06-01", "2022.6.1", "2022年6月1日"])
def test_days_as_people_write_them(text: str) -> None:
    assert parse_day(text) == date(2022, 6, 1)


@pytest.mark.parametrize("text", ["", "2022-06", "2022-02-30", "2022-13-01"])
def test_other_text_is_no_day(text: str) -> None:
    assert parse_day(text) is None


def test_every_fault_has_its_field_in_a_step() -> None:
    rules = FormRules(INDUSTRIES)
    wrong = complete_form(
        achievements=(Achievement(kind="method", pages="x"), Achievement(kind="method", pages="99"))
    )
    for form in (RecommendationForm(), wrong, msgspec.structs.replace(wrong, name="甲" * 99)):
        result = faults(form, rules, evidence_pages=None, attached=(), today=date(2022, 6, 30))
        assert result
        for fault in result:
            assert find_step(page_field(fault, form)) in STEPS


def test_every_field_of_the_form_is_in_one_step() -> None:
    names = [field.name for step in STEPS for field in FIELDS[step]]
    assert len(names) == len(set(names))
    assert {name.split(".")[0] for name in names} == set(RecommendationForm.__struct_fields__)
