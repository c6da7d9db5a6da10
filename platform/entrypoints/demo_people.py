"""Invented people for the demo brokerages: the same seed gives the same people.

Every address ends in `.example`, which nobody can own; telephone numbers count up from ones that
no network gives out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

_FIRST_NAMES = {
    "DE": "Anna Lukas Marie Felix Lena Paul Clara Moritz",
    "ES": "Marta Diego Irene Pablo Nuria Hugo Elena Javier",
    "GB": "Oliver Amelia Harry Isla George Freya Alfie Poppy",
    "AE": "Omar Layla Khalid Noura Saeed Mariam Rashid Hessa",
    "SA": "Faisal Reem Turki Lama Majed Sara Nawaf Dana",
    "EG": "Youssef Nadia Tarek Salma Karim Heba Amr Dina",
    "FR": "Camille Hugo Manon Louis Chloé Jules Inès Arthur",
    "IT": "Giulia Marco Sofia Luca Chiara Matteo Elisa Davide",
    "PL": "Zofia Jakub Maja Filip Ewa Kacper Iga Marcin",
    "IN": "Aarav Diya Rohan Ananya Vikram Isha Kabir Meera",
    "ID": "Sari Budi Dewi Agus Putri Rizky Wayan Intan",
    "NG": "Chidi Amara Tunde Ngozi Emeka Zainab Femi Ada",
    "ZA": "Thabo Lerato Pieter Zanele Sipho Anika Johan Naledi",
    "BR": "Ana João Beatriz Pedro Larissa Caio Júlia Rafael",
}
_LAST_NAMES = {
    "DE": "Vogel Brandt Lorenz Seidel",
    "ES": "Soler Vidal Navas Prieto",
    "GB": "Ward Hughes Barker Reed",
    "AE": "Haddad Nasser Farouk Saleh",
    "SA": "Qasim Harbi Zahrani Mutairi",
    "EG": "Mansour Gaber Shaker Aziz",
    "FR": "Moreau Garnier Faure Lemoine",
    "IT": "Conti Marini Galli Serra",
    "PL": "Lis Wrona Duda Sikora",
    "IN": "Rao Kapoor Iyer Menon",
    "ID": "Wijaya Santoso Halim Pratama",
    "NG": "Okafor Balogun Eze Bello",
    "ZA": "Nkosi Botha Dlamini Venter",
    "BR": "Rocha Teixeira Moura Barros",
}
# Calling code and language of each country.
_PLACES = {
    "DE": ("49", "de"),
    "ES": ("34", "es"),
    "GB": ("44", "en"),
    "AE": ("971", "ar"),
    "SA": ("966", "ar"),
    "EG": ("20", "ar"),
    "FR": ("33", "fr"),
    "IT": ("39", "it"),
    "PL": ("48", "en"),
    "IN": ("91", "en"),
    "ID": ("62", "en"),
    "NG": ("234", "en"),
    "ZA": ("27", "en"),
    "BR": ("55", "en"),
}
# How often a brokerage meets people of each country, of a hundred.
MIXES: dict[str, dict[str, int]] = {
    "meridian": {"DE": 20, "ES": 16, "GB": 16, "AE": 12, "FR": 9, "IT": 9, "PL": 9, "IN": 9},
    "noor": {"AE": 34, "SA": 26, "EG": 20, "GB": 6, "FR": 6, "IN": 5, "NG": 3},
}
CAMPAIGNS = (
    *("autumn-gold", "search-brand", "webinar-october", "podcast-markets", "retarget-q4"),
    *("social-video", "newsletter"),
)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody invented: how to reach them, where from, and when they came."""

    first_name: str
    last_name: str
    email: str
    phone: str
    country: str
    language: str
    came_at: datetime

    @property
    def name(self) -> str:
        """First and last name as one line."""
        return f"{self.first_name} {self.last_name}"


def people(slug: str, *, count: int, until: datetime, days: int) -> list[Person]:
    """Return that many people who came in the days up to a moment, earliest first."""
    dice = Random(f"{slug}:people")  # noqa: S311 - invented data, no secret
    mix = MIXES.get(slug, MIXES["meridian"])
    countries, weights = list(mix), list(mix.values())
    seconds = days * 86_400
    # More people come of late than at the beginning: a brokerage that grows.
    moments = sorted(
        until - timedelta(seconds=seconds * dice.random() ** 1.4) for _ in range(count)
    )
    return [
        _person(dice, number, dice.choices(countries, weights)[0], moment)
        for number, moment in enumerate(moments)
    ]


def _person(dice: Random, number: int, country: str, moment: datetime) -> Person:
    calling, language = _PLACES[country]
    first = dice.choice(_FIRST_NAMES[country].split())
    last = dice.choice(_LAST_NAMES[country].split())
    plain = f"{first}.{last}".lower().translate(str.maketrans("éèãõç", "eeaoc"))
    return Person(
        first_name=first,
        last_name=last,
        email=f"{plain}.{number:04d}@mail.example",
        phone=f"+{calling}555{100_000 + number}",
        country=country,
        language=language,
        came_at=moment,
    )


def pick(dice: Random, choices: Sequence[tuple[str, int]]) -> str:
    """Return one of the choices by its weight."""
    return dice.choices([value for value, _ in choices], [weight for _, weight in choices])[0]
