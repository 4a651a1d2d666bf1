"""The free text of a claim, as wards and clerks write it."""

from __future__ import annotations

from random import Random

from deploy.demo.births import Birth
from deploy.demo.figures import Remarks


def ward_note(rng: Random, phrases: Remarks, birth: Birth) -> str:
    """Where, when and how she gave birth."""
    slots = {
        "hospital": birth.hospital.name,
        "ward": rng.choice(phrases.wards),
        "bed": rng.randint(1, 60),
        "day": birth.date.isoformat(),
        "weeks": birth.weeks,
        "grams": birth.weight_g,
        "infants": phrases.infants[birth.infants],
    }
    told = (rng.choice(phrases.opening), rng.choice(phrases.caesarean if birth.is_caesarean else phrases.vaginal))
    return "".join(told).format_map(slots) + rng.choice(phrases.course) + rng.choice(phrases.closing)


def counter_note(rng: Random, phrases: Remarks, birth: Birth) -> str:
    return rng.choice(phrases.counter) + ward_note(rng, phrases, birth)


def correction_note(rng: Random, phrases: Remarks, before: str) -> str:
    return rng.choice(phrases.correction) + before


def damaged(rng: Random, text: str) -> str:
    """Two bytes of a character were lost on the way, and replacement characters took their place."""
    start = rng.randrange(len(text) - 1)
    return text[:start] + "\ufffd\ufffd" + text[start + 1 :]


def in_any_script(rng: Random, phrases: Remarks, text: str) -> str:
    return text + rng.choice(phrases.scripts)
