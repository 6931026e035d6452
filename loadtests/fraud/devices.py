"""The devices of voters: phone models in a web view, whose fingerprints collide.

A web view shows a model and its build; most people change nothing else, so everybody with that
model has one fingerprint. Some change fonts, zoom or language and have one of their own. The web
view updates itself during the contest, and fingerprints change with it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from loadtests.fraud.networks import draw_indices
from loadtests.fraud.records import Bools, Column, Floats, Ints, Masks, hash_values

PHONES_OF_ONE_MAKER = 14
"""Models below this number come from the maker whose phones look most alike."""
_THAT_MAKERS_SHARE = 0.24
_BUILDS = 6
_RELEASES = 6
_OTHER_SETTINGS_SHARE = 0.28
_HEADLESS = 900
CHEAP_FROM, CHEAP_TO = 40, 160
"""Ranks of the models that phone farms buy: cheap and common."""


@dataclass(slots=True)
class Devices:
    salt: int
    models: int
    cumulative: Floats


def make_devices(rng: np.random.Generator, ballots: int, salt: int) -> Devices:
    """Draw models with Zipf shares; a larger electorate has rarer models."""
    models = min(_HEADLESS, max(200, int(600 * (ballots / 234_000) ** 0.3)))
    tail = 1.0 / np.arange(1, models - PHONES_OF_ONE_MAKER + 1) ** 0.9
    head = rng.dirichlet(np.full(PHONES_OF_ONE_MAKER, 3.0)) * _THAT_MAKERS_SHARE
    shares = np.concatenate([head, tail / tail.sum() * (1 - _THAT_MAKERS_SHARE)])
    return Devices(salt=salt, models=models, cumulative=np.cumsum(shares))


def draw_phones(rng: np.random.Generator, devices: Devices, size: int) -> Ints:
    """Draw model · build · settings as one integer; settings 0 are the model's defaults."""
    model = draw_indices(rng, devices.cumulative, size)
    build = np.minimum(rng.geometric(0.55, size) - 1, _BUILDS - 1)
    other = rng.random(size) < np.where(model < PHONES_OF_ONE_MAKER, 0.12, _OTHER_SETTINGS_SHARE)
    settings = np.where(other, rng.integers(1, 2**31, size), 0)
    return make_phone(model, build, settings)


def draw_releases(rng: np.random.Generator, size: int) -> Ints:
    """Draw the web view's release on the first day: most are up to date, some far behind."""
    return np.minimum(rng.geometric(0.45, size) - 1, _RELEASES - 1)


def make_phone(model: Column, build: Column | int = 0, settings: Column | int = 0) -> Ints:
    return (np.asarray(model, dtype=np.int64) * _BUILDS + build) * 2**32 + settings


def fingerprints(devices: Devices, phone: Column, release: Column) -> Masks:
    """Return the fingerprint of a phone with a release of the web view."""
    return hash_values(
        hash_values(phone, devices.salt + 1) + np.asarray(release).astype(np.uint64), 7
    )


def agents(phone: Column, release: Column, platform: Column) -> Ints:
    """Return the user agent as one integer: platform, model, build, release; no settings."""
    shown = np.asarray(phone, dtype=np.int64) >> 32
    return (shown * 16 + release) * 32 + platform


def headless_phones(kind: Column) -> Ints:
    """Return automated browsers that run in a datacentre."""
    return make_phone(_HEADLESS + np.asarray(kind, dtype=np.int64))


def uncommon(phone: Column) -> Bools:
    """Whether the phone has settings of its own."""
    return np.asarray(np.asarray(phone) & (2**32 - 1) != 0)


def agent_text(agent: int) -> str:
    """Return the User-Agent header of a ballot file."""
    shown, rest = divmod(agent, 16 * 32)
    release, platform = divmod(rest, 32)
    model, build = divmod(shown, _BUILDS)
    app = f"PlatformApp/{platform}.{release}"
    if model >= _HEADLESS:
        version = f"HeadlessChrome/{100 + model - _HEADLESS}.0.{4800 + release}.0"
        return f"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 {version} Safari/537.36"
    if model < PHONES_OF_ONE_MAKER:
        system = f"iPhone; CPU iPhone OS 15_{build} like Mac OS X"
        return f"Mozilla/5.0 ({system}) AppleWebKit/605.1.15 Mobile/15E{model:03d} {app}"
    system = f"Linux; Android {8 + build}; Model-{model:03d} Build/{build}"
    return f"Mozilla/5.0 ({system}) AppleWebKit/537.36 Chrome/{86 + release}.0 Mobile {app}"
