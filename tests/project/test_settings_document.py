"""docs/settings.md is made from the settings."""

from __future__ import annotations

from tests.project.settings_document import lines
from tests.project.stats import ROOT


def test_the_document_is_the_settings() -> None:
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert text == "\n".join(lines()) + "\n", "python -m tests.project.settings_document"
    assert "| `` |" not in text
    assert not any(line.endswith("|  |") for line in lines()), "a setting needs a description"
