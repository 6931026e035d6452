"""Where the migrations are."""

from __future__ import annotations

from pathlib import Path


def migrations_folder() -> Path:
    """Return the folder of the migrations: in the wheel, or beside the package in a checkout."""
    package = Path(__file__).resolve().parents[2]
    packaged = package / "_migrations"
    return packaged if packaged.is_dir() else package.parent / "migrations"
