"""The time zones that a reader may choose, by the cities that people know them by, those of the own country first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from importlib import resources
from types import MappingProxyType
from typing import Final, NamedTuple

from babel.core import Locale
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from arrears.notices.values import place, same_clock

REGIONS: Final[Mapping[str, Promise | str]] = MappingProxyType({
    "Africa": gettext_lazy("Africa"),
    "America": gettext_lazy("America"),
    "Antarctica": gettext_lazy("Antarctica"),
    "Arctic": gettext_lazy("Arctic Ocean"),
    "Asia": gettext_lazy("Asia"),
    "Atlantic": gettext_lazy("Atlantic Ocean"),
    "Australia": gettext_lazy("Australia"),
    "Europe": gettext_lazy("Europe"),
    "Indian": gettext_lazy("Indian Ocean"),
    "Pacific": gettext_lazy("Pacific Ocean"),
})  # fmt: skip
"""What stands before the stroke in a zone's name, as people call it."""


class ZoneChoice(NamedTuple):
    """A zone as it is stored, and the city by which a reader knows it."""

    zone: str
    city: str


class ZoneGroup(NamedTuple):
    """The zones of a country or of a part of the world, by the names of their cities."""

    name: Promise | str
    choices: tuple[ZoneChoice, ...]


@lru_cache(maxsize=64)
def zone_groups(own: str, chosen: str, month: tuple[int, int], locale: Locale) -> tuple[ZoneGroup, ...]:
    """The zones that people live in, one for each time that a country has from `month` on: the country of the zone
    `own` first, then the parts of the world. What somebody has `chosen` before is always among them."""
    countries = _countries()
    here = next((country for country, zones in countries.items() if own in zones), "")
    home = tuple(_distinct(countries.get(here, ()), month, {own, chosen}))
    found: dict[str, list[str]] = {region: [] for region in REGIONS}
    for country, zones in countries.items():
        if country != here:
            for zone in _distinct(zones, month, {chosen}):
                found[zone.partition("/")[0]].append(zone)
    if chosen and chosen not in {*home, *(zone for zones in found.values() for zone in zones)}:
        found.setdefault(chosen.partition("/")[0], []).append(chosen)
    groups: list[tuple[Promise | str, tuple[str, ...]]] = [(locale.territories.get(here, here), home)]
    groups += [(REGIONS.get(region, region), tuple(zones)) for region, zones in found.items()]
    return tuple(ZoneGroup(name, _by_city(zones, locale)) for name, zones in groups if zones)


@cache
def _countries() -> Mapping[str, tuple[str, ...]]:
    """The zones of each country by the names they have today, where most people live first."""
    text = (resources.files("tzdata") / "zoneinfo" / "zone.tab").read_text("utf-8")
    found: dict[str, tuple[str, ...]] = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            country, _where, zone = line.split("\t")[:3]
            found[country] = (*found.get(country, ()), zone)
    return found


def _distinct(zones: tuple[str, ...], month: tuple[int, int], kept: set[str]) -> Iterator[str]:
    """Those that show another time than the ones before them, and those that are kept whatever they show."""
    seen: list[str] = []
    for zone in zones:
        if zone in kept or not any(same_clock(zone, one, month) for one in seen):
            seen.append(zone)
            yield zone


def _by_city(zones: tuple[str, ...], locale: Locale) -> tuple[ZoneChoice, ...]:
    return tuple(sorted((ZoneChoice(zone, place(zone, locale)) for zone in zones), key=lambda one: one.city))
