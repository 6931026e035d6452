"""The code holds no sentence for people and no Chinese: both stand in catalogues or data files.

The examples of the guide are themselves texts to copy: engineers read their errors."""

from __future__ import annotations

from tests.project.stats import ROOT, chinese_lines, read_modules, sentences

MODULES = read_modules(ROOT)


def test_no_sentence_for_people_stands_in_the_code() -> None:
    assert len(MODULES) > 500
    ours = [module for module in MODULES if "/embed/examples/" not in module.path]
    assert not sentences([module for module in ours if module.is_python])


def test_no_chinese_stands_in_the_code() -> None:
    assert not chinese_lines(MODULES)
