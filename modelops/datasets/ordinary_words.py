"""Which words are ordinary: what people also write in lower case. A name hardly ever is.

Learned from the charts at hand (a word that two patients' charts hold in lower case), told by the caller (the catalog's
own words), and those of invented notes (ordinary_words.txt). So a name that is a word too, as Brown, is found only
where something says that it is one.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

from modelops.datasets.decided_words import NAME, ORDINARY, DecidedWords

_LOWER = re.compile(r"(?<![\w'’-])[a-z\u00df-\u00ff]{2,}(?![\w-])")
# Small letters behind a title or before a credential make nothing ordinary.
_CALLED = re.compile(
    r"\b(?:mrs?|drs?|prof)\b\.?\s+([^\W\d_]{2,})|(?<!\w)([^\W\d_]{2,}),?\s+(?:rn|lpn|md|np|pa-c)\b",
    re.IGNORECASE,
)
_FEWEST_PATIENTS = 2
_ENDINGS = (("s", ""), ("d", ""), ("ed", ""), ("ing", ""), ("ing", "e"))
# fmt: off
CALENDAR = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
    "november", "december",
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
    "mon", "tue", "tues", "wed", "thu", "thur", "thurs", "fri", "sat", "sun",
)

# Given names that are words as well: after "daughter" or "son" they are names.
ALSO_GIVEN_NAMES = frozenset((
    "amber", "angel", "april", "art", "august", "autumn", "bill", "brook", "chance", "chase", "clay",
    "crystal", "dale", "dawn", "dean", "earl", "eve", "faith", "fern", "forest", "frank", "gene", "ginger",
    "glen", "grace", "grant", "guy", "hazel", "heath", "heather", "hope", "hunter", "iris", "ivy", "jack",
    "jade", "jasmine", "jay", "jewel", "joy", "june", "lance", "lily", "mark", "mason", "may", "melody",
    "miles", "misty", "norm", "olive", "pat", "pearl", "penny", "peg", "ray", "reed", "rich", "rob",
    "robin", "rod", "rose", "ruby", "rusty", "sandy", "scarlet", "sky", "stew", "summer", "sue", "ted",
    "violet", "wade", "ward", "will", "willow",
))
# Surnames that are words as well: beside a title or another name they are names.
ALSO_SURNAMES = frozenset((
    "addison", "baker", "banks", "barber", "barrett", "bell", "berry", "best", "bird", "bishop", "black", "blood",
    "bond", "bowers", "bright", "brook", "brooks", "brown", "burns", "bush", "butler", "carpenter", "carter", "case",
    "chambers", "church", "cole", "coleman", "cook", "cooper", "cross", "cushing", "day", "dean", "drake", "early",
    "english", "farmer", "fields", "fisher", "fleming", "flowers", "ford", "forest", "foster", "fowler", "fox",
    "freeman", "french", "frost", "gold", "golden", "good", "gordon", "gray", "graves", "green", "grey", "hall",
    "hand", "hands", "hardy", "hart", "hawkins", "hays", "head", "high", "hill", "hills", "hodgkin", "holiday",
    "hood", "house", "hurst", "key", "keys", "kidd", "king", "knight", "lake", "lamb", "land", "lane", "law",
    "little", "long", "lord", "love", "low", "major", "mann", "marsh", "mason", "mayo", "meadows", "mercer",
    "miller", "mills", "moon", "moore", "murphy", "nail", "noble", "north", "page", "paine", "painter", "palmer",
    "park", "parker", "parkinson", "parks", "peck", "pepper", "pierce", "pike", "pool", "pope", "porter", "potter",
    "power", "powers", "price", "prince", "rice", "rivers", "root", "ross", "rush", "sage", "sanders", "savage",
    "sharp", "shepherd", "short", "silver", "singer", "slaughter", "small", "snow", "sparks", "spears", "stark",
    "steele", "stone", "story", "street", "strong", "summers", "swift", "tanner", "taylor", "temple", "tucker",
    "turner", "valentine", "wagner", "walker", "wall", "walls", "warner", "waters", "weaver", "webb", "weeks",
    "wells", "west", "white", "wilder", "winter", "winters", "wise", "wolf", "wolff", "wood", "woods", "wright",
    "yates", "york", "young",
))
# What charts write with a capital or in capitals alone, so that no lower case teaches it: services, peoples and
# languages, signs and diseases called after somebody, long abbreviations, brand names.
OF_CHARTS = frozenset((
    "anesthesia", "anesthesiology", "audiology", "cardiology", "chiropractic", "dental", "dentistry", "dermatology",
    "endocrinology", "gastroenterology", "genetics", "geriatrics", "gynecology", "hematology", "hospitalist",
    "immunology", "intensivist", "interventional", "medicine", "neonatology", "nephrology", "neurology",
    "neurosurgery", "nutrition", "obstetrics", "oncology", "ophthalmology", "orthopedics", "orthopaedics",
    "otolaryngology", "palliative", "pathology", "pediatrics", "pharmacy", "physiatry", "podiatry", "psychiatry",
    "psychology", "pulmonary", "pulmonology", "radiology", "rehab", "rehabilitation", "rheumatology", "surgery",
    "telemetry", "toxicology", "transplant", "trauma", "urology", "vascular", "wound",
    "african", "american", "arabic", "asian", "black", "cantonese", "catholic", "caucasian", "chinese", "christian",
    "english", "european", "french", "german", "haitian", "hindu", "hispanic", "indian", "italian", "japanese",
    "jehovah", "jewish", "korean", "latino", "latina", "mandarin", "medicaid", "medicare", "mediterranean", "mexican",
    "muslim", "portuguese", "russian", "spanish", "tagalog", "vietnam", "vietnamese", "witness",
    "apgar", "apgars", "babinski", "barre", "barré", "brudzinski", "charcot", "cheyne", "chvostek", "clostridioides",
    "coombs", "doppler", "dupuytren", "ehlers", "danlos", "gram", "guillain", "hashimoto", "heimlich", "homans",
    "kaposi", "kernig", "korsakoff", "lachman", "mallory", "marfan", "mcburney", "mcmurray", "meniere", "papanicolaou",
    "raynaud", "romberg", "rovsing", "sjogren", "sjögren", "tinel", "phalen", "trendelenburg", "trousseau", "virchow",
    "wolff-parkinson-white", "charcot-marie-tooth", "navy", "army", "temp", "tmax", "plt", "reflexes", "wernicke",
    "aicd", "bipap", "cabg", "covid", "hfmref", "hfpef", "hfref", "hstroponin", "nsaids", "nstemi", "perrla", "perrl",
    "contin", "scds", "septal", "ssris", "stemi", "telehealth",
    "ativan", "augmentin", "bactrim", "cipro", "colace", "coumadin", "decadron", "depakote", "dilaudid", "diovan",
    "dulcolax", "eliquis", "entresto", "flagyl", "flomax", "haldol", "humalog", "humira", "januvia", "jardiance",
    "keflex", "keppra", "klonopin", "lantus", "lasix", "levaquin", "lexapro", "lipitor", "lopressor", "lovenox",
    "lyrica", "miralax", "motrin", "narcan", "neurontin", "nexium", "norvasc", "novolog", "oxycontin", "ozempic",
    "pepcid", "percocet", "plavix", "pradaxa", "prilosec", "protonix", "prozac", "remeron", "rocephin", "senokot",
    "seroquel", "sinemet", "symbicort", "synthroid", "tylenol", "unasyn", "valium", "vancomycin", "vicodin",
    "wellbutrin", "xanax", "xarelto", "zocor", "zofran", "zoloft", "zosyn", "zyprexa",
    "hgb", "hct", "creat", "plts", "trop", "troponin", "procalcitonin", "lactate", "ammonia", "ferritin", "fibrinogen",
    "haptoglobin", "lipase", "amylase", "phos", "bili", "retic", "tacro", "vanc", "quant",
    "ht", "wt", "tm", "tc", "ag", "ab", "fr", "gy", "hg", "kt", "pb", "rx", "tx", "sx", "fx", "bx", "abd", "ext",
    "neuro", "resp", "psych", "conj", "periph", "prev", "anesth", "specs", "comps", "asst", "dbl",
    "i'm", "i've", "i'd", "i'll", "he'd", "he'll", "she'd", "she'll", "we'd", "we'll", "we've", "we're", "they'd",
    "they'll", "they've", "they're", "you'd", "you'll", "you've", "you're", "it'll", "that'll",
    "normocephalic", "atraumatic", "anicteric", "afebrile", "nontender", "nondistended", "diaphoretic", "disheveled",
    "endorses", "ambulates", "tolerates", "voiding", "nonsmoker", "interpreter", "client", "addendum", "attestation",
    "braden", "gleason", "mallampati", "karnofsky", "ecog", "epworth", "holter", "foley", "pfannenstiel", "penrose",
    "tenckhoff", "yankauer", "rollator", "kerlix", "vicryl",
))
# fmt: on


class OrdinaryWords:
    def __init__(self, words: Iterable[str], names: Iterable[str] = ()) -> None:
        """`names`: words of which somebody decided that they are names, whoever's."""
        self._words = frozenset(word.casefold() for word in words)
        self._names = frozenset(name.casefold() for name in names)

    @classmethod
    def learned(
        cls,
        texts: Iterable[tuple[str, str]],
        known: Iterable[str] = (),
        *,
        names: Iterable[str] = (),
        decided: DecidedWords | None = None,
    ) -> OrdinaryWords:
        """`texts`: pairs of a patient's key and a text; `known`: words that are ordinary in any case; `names`: words
        of people's names, which writing them in lower case makes not ordinary; nor what a text itself calls somebody.
        """
        decided = decided or DecidedWords()
        patients: dict[str, set[str]] = defaultdict(set)
        never = {*names, *decided.of(NAME)}
        for patient, text in texts:
            never.update(word.casefold() for pair in _CALLED.findall(text) for word in pair if word)
            for word in set(_LOWER.findall(text)):
                if len(patients[word]) < _FEWEST_PATIENTS:
                    patients[word].add(patient)
        found = (word for word, who in patients.items() if len(who) >= _FEWEST_PATIENTS and word not in never)
        words = [*known, *CALENDAR, *OF_CHARTS, *_of_notes(), *decided.of(ORDINARY), *found]
        return cls(words, decided.of(NAME))

    def is_name(self, word: str) -> bool:
        return _plain_form(word) in self._names

    def __contains__(self, word: str) -> bool:
        """Also by its plain form, and by the parts of a word with hyphens."""
        folded = _plain_form(word)
        if folded in self._words or any(
            folded.endswith(ending) and f"{folded.removesuffix(ending)}{stem}" in self._words
            for ending, stem in _ENDINGS
        ):
            return True
        parts = folded.split("-")
        return len(parts) > 1 and all(part in self._words for part in parts)


def _plain_form(word: str) -> str:
    return word.casefold().removesuffix("'s").removesuffix("’s").removesuffix("'").removesuffix("’")


@cache
def _of_notes() -> tuple[str, ...]:
    return tuple(files(__package__).joinpath("ordinary_words.txt").read_text(encoding="utf-8").split())
