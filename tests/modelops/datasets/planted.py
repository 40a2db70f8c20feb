"""Invented notes with planted identifiers, to measure what de-identification leaves. Written as hands write, not as the
rules read: some forms have no cue, some are misspelt or in lower case."""

from __future__ import annotations

from dataclasses import dataclass

from modelops.datasets.identifiers import Known

GIVEN = [
    "Marisol",
    "Emmett",
    "Sunita",
    "Renata",
    "Thaddeus",
    "Oksana",
    "Delphine",
    "Ignatius",
    "Rosalind",
    "Kwame",
    "Bettina",
    "Casimir",
    "Leocadia",
    "Wendell",
    "Zuleika",
    "Fionnuala",
    "Horatio",
    "Philippa",
    "Anselm",
    "Dagmar",
]
SURNAMES = [
    "Tolliver",
    "Raghunathan",
    "Overmyer",
    "Quintero",
    "Vasquez-Lund",
    "Okonkwo",
    "Szymanski",
    "O'Hanlon",
    "Pfeiffer",
    "Abernathy",
    "Castellano",
    "Drinkwater",
    "Ekström",
    "Featherstone",
    "Galbraith",
    "Hrdlicka",
    "Ishikawa",
    "Jankowski",
    "Kowalczyk",
    "Lindqvist",
]
TOWNS = ["Wexbury Tarpon Falls", "Kettering Cross", "Oshawa Bend", "Millbrae Junction", "Dunmore"]


@dataclass(frozen=True, slots=True)
class Planted:
    """`left`: strings of each kind that must not stand in the text any more."""

    patient: str
    text: str
    known: Known
    left: tuple[tuple[str, str], ...]


def planted(count: int = 100) -> list[Planted]:
    return [_note(number) for number in range(count)]


def _pick(values: list[str], number: int, step: int) -> str:
    return values[(number * step + number // len(values)) % len(values)]


def _note(n: int) -> Planted:
    given, surname = _pick(GIVEN, n, 1), _pick(SURNAMES, n, 3)
    doctor, doctor_surname = _pick(GIVEN, n + 7, 3), _pick(SURNAMES, n + 5, 7)
    kin, nurse = _pick(GIVEN, n + 11, 7), _pick(SURNAMES, n + 13, 1)
    town = _pick(TOWNS, n, 1)
    month, day, year = 1 + n % 12, 1 + (n * 5) % 28, 2024 + n % 3
    mrn, phone = f"{4400000 + 713 * n}", f"555-{200 + n % 700:03}-{1000 + 37 * n:04}"
    # A letter doubled, as hands do.
    misspelt = surname[:3] + surname[2] + surname[3:]
    variants: list[tuple[list[str], list[tuple[str, str]]]] = [
        (
            [
                f"Patient: {surname}, {given} R.     MRN {mrn}     DOB {month:02}/{day:02}/19{30 + n % 60}",
                f"Attending: {doctor} {doctor_surname}, MD",
                f"Mr. {surname} was admitted on {month}/{day}/{year} with shortness of breath.",
                f"His daughter {kin} can be reached at {phone}.",
                f"Follow up with Dr. {doctor_surname} in 2 weeks.",
            ],
            [
                ("name", given),
                ("name", surname),
                ("number", mrn),
                ("name", doctor),
                ("name", doctor_surname),
                ("name", kin),
                ("date", f"{month}/{day}/{year}"),
                ("date", f"{month:02}/{day:02}/19{30 + n % 60}"),
                ("contact", phone),
            ],
        ),
        (
            [
                f"PT: {surname.upper()}, {given.upper()}   ACCT# A{20000 + n}",
                f"{given} lives in {town} with her son.",
                f"Seen {year}-{month:02}-{day:02}, last visit in {_MONTHS[month - 1]} {year - 1}.",
                f"Motor 5/5, pain 4/10. Discussed with {doctor_surname} by phone.",
                f"Signed by {doctor} {doctor_surname} on {_MONTHS[month - 1]} {day}, {year}",
            ],
            [
                ("name", given.upper()),
                ("name", surname.upper()),
                ("name", given),
                ("number", f"A{20000 + n}"),
                ("place", town.split()[0]),
                ("date", f"{year}-{month:02}-{day:02}"),
                ("date", f"{_MONTHS[month - 1]} {year - 1}"),
                ("date", f"{_MONTHS[month - 1]} {day}, {year}"),
                ("name", doctor_surname),
            ],
        ),
        (
            [
                f"pt {given.lower()} {surname.lower()} states she fell at home on {month}/{day}.",
                f"Mrs {misspelt} denies chest pain. Her neighbor called 911.",
                f"Lives at {100 + n} Juniper Street, {town}. Email {given.lower()}.{n}@mail.example",
                f"Nurse {nurse} notified, SSN {100 + n % 800}-{10 + n % 80}-{1000 + 3 * n:04}.",
                f"Return on {day} {_MONTHS[month - 1]} {year} "
                f"or call ({555}) {300 + n % 600}-{2000 + 11 * n % 8000:04}.",
            ],
            [
                ("name", given.lower()),
                ("name", surname.lower()),
                ("name", misspelt),
                ("date", f"{month}/{day}"),
                ("place", f"{100 + n} Juniper"),
                ("contact", f"{given.lower()}.{n}@mail.example"),
                ("name", nurse),
                ("number", f"{100 + n % 800}-{10 + n % 80}-{1000 + 3 * n:04}"),
                ("date", f"{day} {_MONTHS[month - 1]} {year}"),
                ("contact", f"{300 + n % 600}-{2000 + 11 * n % 8000:04}"),
            ],
        ),
        (
            [
                f"{surname} is a {90 + n % 9} y/o retired teacher, record {mrn}.",
                f"Wound first seen the {day}th of {_MONTHS[month - 1]}, debrided {month}/{day}/{year % 100:02} "
                f"by {doctor_surname} PA-C.",
                f"Family meeting with {kin} and {nurse}; both agree to hospice.",
                f"Transferred from {town.split()[0]} Memorial Hospital, room 4{n % 10}2.",
                "No evidence of pneumonia. Type 2 diabetes, stable on insulin.",
            ],
            [
                ("name", surname),
                ("age", f"{90 + n % 9} y/o" if n % 9 else "no such age"),
                ("number", mrn),
                ("date", f"{day}th of {_MONTHS[month - 1]}"),
                ("date", f"{month}/{day}/{year % 100:02}"),
                ("name", doctor_surname),
                ("name", kin),
                ("name", nurse),
                ("place", town.split()[0]),
            ],
        ),
    ]
    lines, left = variants[n % len(variants)]
    return Planted(
        f"planted {n}",
        "\n".join(lines),
        Known((f"{surname}, {given}", f"{doctor} {doctor_surname}, MD"), (mrn, f"A{20000 + n}"), ()),
        tuple(left),
    )


_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
