"""The Jinja2 environment of all sites: everything is escaped, unknown names are errors."""

from __future__ import annotations

from functools import cache
from importlib import resources

import jinja2

from voting_service.sites.shared.look import LOOK


@cache
def template_environment(*packages: str, **areas: str) -> jinja2.Environment:
    """Return the templates of `templates/` in the packages, and under an area's name those of its
    package: `tally="voting_service.sites.console.tally"` gives `tally/contest.html`. An area
    without the folder has no templates. Every site has the area `look`.

    The same templates are one environment, which compiles each of them once in a process."""
    areas["look"] = LOOK
    loaders = {
        area: jinja2.PackageLoader(package)
        for area, package in areas.items()
        if resources.files(package).joinpath("templates").is_dir()
    }
    return jinja2.Environment(
        loader=jinja2.ChoiceLoader(
            [jinja2.PrefixLoader(loaders), *(jinja2.PackageLoader(name) for name in packages)]
        ),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
