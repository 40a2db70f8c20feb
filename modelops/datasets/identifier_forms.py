"""How identifiers are written: one pattern a form, with the kind of what it finds. `it` is the part that is replaced,
all of the match where it has none. Read by identifiers.py, on lines as plain_text.py shows them."""

from __future__ import annotations

import re

NAME, NUMBER, DATE, CONTACT, PLACE, AGE = "name", "number", "date", "contact", "place", "age"

# `re` has no class of capitals: those of Latin, Greek and Cyrillic.
CAPITAL = "".join(chr(code) for code in (*range(0x41, 0x530), *range(0x1E00, 0x1F00)) if chr(code).isupper())
_LETTER = r"(?:[^\W\d_]|['’-])"
_WORD = rf"[{CAPITAL}]{_LETTER}+"
# Small words that belong to a name, before its part in capitals.
_PARTICLE = (
    r"(?:(?:van|von|der|den|de|del|della|di|da|dos|du|la|le|el|al|ter|ten|bin|ibn|zu|St\.|Ste\.)[ ]|(?:al|el)-"
    r"|[dlo]['’])"
)
_PART = rf"(?:{_PARTICLE}{{0,3}}{_WORD}|[A-Z]\.?(?![\w.]))"
FULL = rf"{_PART}(?:,?[ ]{_PART}){{0,3}}"
_SMALL = r"(?<![\w'’-])(?:[dlo]['’])?[^\W\d_]{2,}(?:[-'’][^\W\d_]{2,})*"
CREDENTIAL = (
    r"(?:M\.?D|D\.?O|RN|LPN|NP|FNP|CNP|PA-C|PA|CRNA|RD|LCSW|MSW|LSW|PT|DPT|OT|SLP|PharmD|PhD|PsyD|RT|CNA"
    r"|MA|DDS|DPM)\b"
)
TITLE = r"(?:Mrs?|Ms|Miss|Mx|Drs?|Prof|Rev|Sr|Nurse)"
MONTH = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?"
    r"|Nov(?:ember)?|Dec(?:ember)?)"
)
_ORDINAL = (
    r"(?:(?:twenty|thirty)[ -])?(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth"
    r"|\w+teenth|twentieth|thirtieth)"
)
_NINETY = r"ninety[ -](?:one|two|three|four|five|six|seven|eight|nine)"
_HUNDRED = (
    r"(?:(?:a|one)[ -])?hundred(?:[ -](?:and[ -])?(?:one|two|three|four|five|six|seven|eight|nine|ten))?"
)
_OLD = r"(?:9\d|1[012]\d)"
_YEARS = (
    r"(?:y/?o\b|y\.o\.|y[ ]o\b|yrs?\b|years?[ -]old|year[ -]old|years[ ](?:of[ ]age|young)|-old\b|y\b(?!/))"
)
_STATE = (
    r"(?:A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|P[AR]|RI|S[CD]|T[NX]|UT|V[AT]"
    r"|W[AIVY])"
)
_DOSE = r"(?![ ]?(?:mg|mcg|g|ml|cc|units?|k?cal|calories)\b)"
_UNITS = r"(?![ ]?(?:mg|mcg|g|ml|cc|l|units?|prbc|tabs?|hours?|hrs?|days?|weeks?|of|more|times?|%)\b)"
_NUMBERED = (
    r"(?:MRN|MR[ ]?#|Med(?:ical)?\.?[ ]Rec(?:ord)?(?:[ ](?:No\.?|Number|#))?|Acct|Account|FIN|CSN|HAR|Visit[ ]ID|SSN"
    r"|MBI|HICN|Medicare|Medicaid|Policy|Member)"
)
_ASSIGNED = r"(?:[ ](?:ID|No\.?|Number))?(?:[ ](?:is|of)\b|[ ]?[:#=-]+|\.)?[ \t]*[:#]?[ \t]*"

# Month and day, in which a score is written too: identifiers.py tells them apart.
MONTH_DAY = re.compile(r"(?<![\d/.])(?<!\b[CTLS])(?:0?[1-9]|1[0-2])/(?:0?[1-9]|[12]\d|3[01])(?![\d%]|[/.]\d)")

# In this order: what an earlier one took, a later one leaves. FORMS before what is known of the people, whose names
# may stand in an address; CUES after it.
FORMS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (CONTACT, re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+")),
    (CONTACT, re.compile(r"(?<![\w.+-])[A-Za-z][\w+-]*\.[\w.+-]*@[A-Za-z][\w-]+")),
    (CONTACT, re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)),
    (
        CONTACT,
        re.compile(
            r"(?<![\w.-])[a-z][\w-]*(?:\.[\w-]+){0,4}\.(?:com|org|net|edu|gov|info|io|us|uk|example)\b(?:/\S*)?",
            re.IGNORECASE,
        ),
    ),
    (CONTACT, re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])")),
    (CONTACT, re.compile(r"(?<![\w:])(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}(?![\w:])", re.IGNORECASE)),
    (
        CONTACT,
        re.compile(
            r"(?<![\w:])(?=[0-9:]*[a-f])(?:[0-9a-f]{1,4}::?){3,7}[0-9a-f]{1,4}(?![\w:])", re.IGNORECASE
        ),
    ),
    (NUMBER, re.compile(r"(?<![\d-])\d{3}-\d{2}-\d{4}(?![\d-])")),
    (CONTACT, re.compile(r"(?:\+|\b(?:011|00)[ ])\d{1,3}(?:[ ./()-]{1,3}\d{1,4}){2,5}(?!\d)")),
    (
        CONTACT,
        re.compile(
            r"(?<![\d-])(?:\+?1[ .-]?)?(?:\(\d{3}\)[ ]?|\d{3}(?:[ .-]|[ ]?[/-][ ]?))\d{3}(?:[ .-]|[ ]-[ ])\d{4}(?!\d)"
        ),
    ),
    (CONTACT, re.compile(rf"(?<![\d/-])\d{{3}}-\d{{4}}(?![\d-]){_DOSE}", re.IGNORECASE)),
    (
        CONTACT,
        re.compile(
            r"\b(?:call|phone|tel|telephone|cell|mobile|fax|pager|pgr|beeper|ext|extension|voicemail)\b"
            r"(?:[ ](?:at|is|no\.?|number))?[.:#]*[ \t]*#?(?P<it>\d{3}[ .]\d{4}|(?:\d{1,3}-)?\d{4,})(?![\d/]|\.\d)",
            re.IGNORECASE,
        ),
    ),
    (CONTACT, re.compile(r"\bx(?P<it>\d{4,5})\b")),
    (
        NUMBER,
        re.compile(
            rf"\b{_NUMBERED}{_ASSIGNED}(?P<it>\d{{1,4}}(?:[ ./-]\d{{2,4}}){{1,3}})(?![\d/]|\.\d)",
            re.IGNORECASE,
        ),
    ),
    (
        NUMBER,
        re.compile(
            rf"\b(?:{_NUMBERED}|NPI|DEA|Licen[sc]e|Serial|Accession|S/N|Lot|Rm|Room|ZIP(?:[ ]code)?){_ASSIGNED}"
            r"(?P<it>(?=[A-Z0-9-]*\d)[A-Z0-9]+(?:-[A-Z0-9]+)*)\b",
            re.IGNORECASE,
        ),
    ),
    (
        NUMBER,
        re.compile(
            # What these count is a dose or a length of time as well.
            r"\b(?:Encounter|Case|Specimen|Chart|Record|Order|Unit|Bed|Group|ID)"
            rf"{_ASSIGNED}(?P<it>(?=[A-Z0-9-]*\d)(?!\d\b)[A-Z0-9]+(?:-[A-Z0-9]+)*)\b{_UNITS}",
            re.IGNORECASE,
        ),
    ),
    (
        PLACE,
        re.compile(
            rf"\b\d{{1,5}}[A-Z]?[ ](?:[NSEW]\.?[ ])?(?:(?:{_WORD}|\d+(?:st|nd|rd|th))[ ]){{1,3}}"
            r"(?:Street|St|Avenue|Ave|Road|Rd|Drive|Dr|Lane|Ln|Court|Ct|Boulevard|Blvd|Way|Place|Pl|Terrace|Highway|Hwy|Circle|Parkway|Pkwy)\b\.?"
            r"(?:,?[ ](?:Apt|Unit|Suite|Ste)\.?[ ]?#?\w+)?"
        ),
    ),
    (
        PLACE,
        re.compile(
            r"\b\d{1,5}[A-Z]?[ ](?:[^\W\d_]{2,}[ ]){1,2}(?:street|avenue|ave|road|rd|lane|ln|boulevard|blvd|highway|hwy"
            r"|parkway|pkwy)\b\.?(?:,?[ ](?:apt|unit|suite|ste)\.?[ ]?#?\w+)?",
            re.IGNORECASE,
        ),
    ),
    (PLACE, re.compile(r"\bP\.?O\.?[ ]Box[ ]\d+", re.IGNORECASE)),
    (PLACE, re.compile(r"\b(?:Rt|Route|RR|HC)\.?[ ]\d+,?[ ]Box[ ]\d+", re.IGNORECASE)),
    (PLACE, re.compile(r"\b(?:County|State)[ ](?:Road|Rd|Route)[ ](?P<it>\d+)", re.IGNORECASE)),
    (PLACE, re.compile(rf"\b{_WORD}(?:[ ]{_WORD})?,[ ][A-Z]{{2}},?[ ]\d{{5}}(?:-\d{{4}})?\b")),
    (PLACE, re.compile(rf"\b(?:{_STATE}|{_WORD}),?[ ](?P<it>\d{{5}}(?:-\d{{4}})?)\b(?![ ]?(?:mg|units?)\b)")),
    (NUMBER, re.compile(r"(?<![\d-])\d{5}-\d{4}(?![\d-])")),
    (
        AGE,
        re.compile(
            rf"(?<![\d./]){_OLD}(?:\.\d|[ ]\d{{1,2}}/12)?"
            rf"(?=f\b|[ -]?(?:{_YEARS}|(?-i:[FM])\b|/[FM]\b|(?:fe)?male\b|(?:wo)?man\b|lady\b|gentleman\b))",
            re.IGNORECASE,
        ),
    ),
    (
        AGE,
        re.compile(
            rf"\b(?:ages?(?:d|:)?(?:[ ](?:is|was|of))?|age/sex:?|turn(?:s|ed|ing)|lived[ ]to|died[ ]at|(?:wo)?man[ ]of"
            rf"|(?:s?he|patient|pt|mother|father|husband|wife)[ ](?:is|was))[ ](?:age[ ])?(?P<it>{_OLD})\b"
            r"(?!\.\d|[ ]?(?:%|mg|mcg|ml|kg|lbs?|cm|pounds|beats|bpm|days|hours|minutes|units|percent|on\b)|/\d)",
            re.IGNORECASE,
        ),
    ),
    (AGE, re.compile(rf"\b(?P<it>{_OLD})(?:nd|rd|th|st|d)(?=[ ]birthday)", re.IGNORECASE)),
    (
        AGE,
        re.compile(
            rf"\b(?:{_NINETY}(?![ ](?:percent|degrees?|minutes?|days?|hours?|weeks?|mg|ml|units?|pounds|beats))"
            rf"|(?:ninety|{_HUNDRED})(?=[ -]{_YEARS})|nonagenarian|(?:super)?centenarian)\b",
            re.IGNORECASE,
        ),
    ),
    (
        AGE,
        re.compile(
            r"\b(?:born(?:[ ]in)?|b\.|DOB|D\.O\.B\.|YOB|(?:birth[ ]year|year[ ]of[ ]birth))[ ]?:?[ ]?"
            r"(?P<it>(?:18|19|20)\d\d)\b(?![-/.]\d)",
            re.IGNORECASE,
        ),
    ),
    # A range of days, and days in words, are dates that shifted_dates.py cannot write again: the chart is refused.
    (
        DATE,
        re.compile(
            rf"\b{MONTH}\.?[ ]\d{{1,2}}(?:st|nd|rd|th)?[ ]?(?:-|to|thru|through)[ ]?\d{{1,2}}(?:st|nd|rd|th)?(?![\w/])",
            re.IGNORECASE,
        ),
    ),
    (DATE, re.compile(rf"\b\d{{1,2}}[ ]?-[ ]?\d{{1,2}}[ ]{MONTH}\b", re.IGNORECASE)),
    (
        DATE,
        re.compile(rf"\b(?:{_ORDINAL}[ ](?:of[ ])?{MONTH}|{MONTH}[ ](?:the[ ])?{_ORDINAL})\b", re.IGNORECASE),
    ),
    (DATE, re.compile(rf"\b{MONTH}[ ]the[ ]\d{{1,2}}(?:st|nd|rd|th)?\b", re.IGNORECASE)),
    (
        DATE,
        re.compile(rf"\b(?:\d{{1,2}}\.[ ]{MONTH}|(?:19|20)\d\d[ -]{MONTH}[ -]\d{{1,2}})\b", re.IGNORECASE),
    ),
    (
        DATE,
        re.compile(
            r"\b(?:DOB|DOS|D\.O\.B\.|born|date)[ :]+(?P<it>\d{1,2}[ |]\d{1,2}[ |](?:19|20)\d\d)\b",
            re.IGNORECASE,
        ),
    ),
    (DATE, re.compile(r"(?<![\d/.])\d{1,2}[ ]/[ ]\d{1,2}[ ]/[ ](?:(?:19|20)\d\d|\d\d)(?![\d/])")),
    (DATE, re.compile(r"(?<![\d-])(?:19|20)\d\d(?P<s>[-/.])\d{1,2}(?P=s)\d{1,2}(?![\d-])")),
    (DATE, re.compile(r"(?<![\d/.])\d{1,2}(?P<s>[/.])\d{1,2}(?P=s)['’]?(?:(?:19|20)\d\d|\d\d)(?![\d/])")),
    (DATE, re.compile(r"(?<![\d/.-])\d{1,2}-\d{1,2}-(?:(?:19|20)\d\d|\d\d)(?![\d/-])")),
    (DATE, re.compile(r"(?<!\d)(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?!\d)")),
    (DATE, re.compile(rf"\b{MONTH}\.?[ ]\d{{1,2}}(?:st|nd|rd|th)?,?[ ]?(?:19|20)\d\d\b", re.IGNORECASE)),
    (DATE, re.compile(rf"\b\d{{1,2}}[ -]?{MONTH}\.?[ -]?(?:(?:19|20)\d\d|\d\d)\b", re.IGNORECASE)),
    (DATE, re.compile(rf"\b{MONTH}\.?[ ]\d{{1,2}}(?:st|nd|rd|th)?(?![\d/.])\b", re.IGNORECASE)),
    (
        DATE,
        re.compile(
            rf"\b\d{{1,2}}(?:st|nd|rd|th)?[ -](?:of[ ])?{MONTH}\b(?:,?[ ](?:19|20)\d\d\b)?", re.IGNORECASE
        ),
    ),
    (DATE, re.compile(rf"\b{MONTH}\.?,?[ ](?:of[ ])?(?:(?:19|20)\d\d|['’]\d\d)\b", re.IGNORECASE)),
    (DATE, re.compile(r"(?<![\d/.])(?:0?[1-9]|1[0-2])/(?:19|20)\d\d(?![\d/])")),
    (
        DATE,
        re.compile(
            r"(?<![\d/.-])(?:(?:0[1-9]|1[0-2])-(?:19|20)\d\d|(?:19|20)\d\d-(?:0[1-9]|1[0-2]))(?![\d/-])"
        ),
    ),
    (DATE, MONTH_DAY),
    (NUMBER, re.compile(r"(?<![\d.,/])(?![1-9]0+(?!\d))\d{6,}(?![\d.,/]\d)")),
    (NUMBER, re.compile(r"(?<![\d.,/-])(?:\d{4}-\d{3}|\d{5,}-\d+|\d{2,4}-\d{2,4}-\d{2,4})(?![\d-]|[.,/]\d)")),
    (NUMBER, re.compile(r"\b[A-Z]{1,4}-?\d{4,}\b")),
    (NUMBER, re.compile(r"\b[A-Z]{1,2}-?\d{2}-\d{3,}\b")),
    (NUMBER, re.compile(r"#[ ]?(?P<it>\d{5,})\b")),
)
CUES: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        DATE,
        re.compile(
            r"\b(?:in|since|from|until|till|by|of|last|mid|early|late|next|this|during|through|before|after)[ -]"
            rf"(?P<it>{MONTH})\b",
            re.IGNORECASE,
        ),
    ),
    (
        NAME,
        re.compile(
            rf"\b{TITLE}(?:\.[ \t]?|[ \t])(?:(?:and|&)[ ]{TITLE}\.?[ ])?(?P<it>{FULL}(?:[ ](?:and|&)[ ]{_WORD})?)"
        ),
    ),
    (NAME, re.compile(rf"\b(?:[Mm]rs?|[Dd]r|[Pp]rof)\.?[ \t](?P<small>{_SMALL})")),
    (
        NAME,
        re.compile(
            r"\b(?:(?:[Dd]iscussed|[Ss]poke|[Mm]et|[Mm]eeting|[Ll]iv(?:es?|ing)|[Ss]taffed|[Rr]eviewed|d/w)(?:[ ]with)?"
            rf"|by|per)[ ](?P<it>{_WORD}(?:[ ]{_WORD})?)"
        ),
    ),
    (NAME, re.compile(rf"(?<![\w'’-])(?P<it>{FULL}),?[ /]{CREDENTIAL}")),
    (
        NAME,
        re.compile(
            rf"(?P<small>{_SMALL}(?:[ ]{_SMALL})?),?[ ](?:rn|lpn|md|np|pa-c|crna|lcsw|RN|LPN|MD|NP|PA-C)\b"
        ),
    ),
    (
        NAME,
        re.compile(
            r"\b(?:Patient(?:[ ]Name)?|Pt(?:[ ]Name)?|Name|Attending|PCP|Provider|Physician|Surgeon|Dictated[ ]by"
            r"|(?:Electronically[ ])?Signed(?:[ ]by)?|Author|Referr(?:ing|ed[ ]by)|Consultant|Assistant|Resident|Nurse"
            r"|Anesthesi(?:ologist|a)|Emergency[ ]contact|Contact|Next[ ]of[ ]kin|NOK|Caregiver|Guardian|Proxy"
            r"|Case[ ]manager|Social[ ]worker|Transcribed[ ]by|Interpreter|Spouse|Witness|AKA|cc)"
            rf"(?:[ ]?[:#]|(?<=by))[ \t]*(?P<it>{FULL})",
            re.IGNORECASE,
        ),
    ),
    (
        NAME,
        re.compile(
            r"\b(?:wife|husband|daughter|son|mother|father|mom|dad|sister|brother|niece|nephew|partner|spouse|friend|neighbou?r"
            r"|caregiver|roommate|aunt|uncle|grand(?:daughter|son|mother|father)|girlfriend|boyfriend|landlord|pastor)"
            rf"s?,?[ ](?:is[ ]|named[ ]|called[ ])?\(?(?P<it>{_WORD}(?:[ ]{_WORD})?)"
        ),
    ),
    (
        PLACE,
        re.compile(
            rf"\b(?P<it>(?:{_WORD}[ ]){{1,4}})(?:Regional[ ]|Memorial[ ]|General[ ]|Community[ ])*"
            r"(?:Hospital|Medical[ ](?:Center|Ctr)|Clinic|Health[ ](?:Center|Ctr|System)|Nursing|Hospice|Manor|Village"
            r"|Pharmacy|University|Rehab(?:ilitation)?|Senior[ ]Living|Assisted[ ]Living|School|Church|Shelter)\b"
        ),
    ),
    (
        NAME,
        re.compile(
            r"\b(?:WIFE|HUSBAND|DAUGHTER|SON|MOTHER|FATHER|SISTER|BROTHER|NIECE|NEPHEW|PARTNER|SPOUSE|FRIEND|NEIGHBOR)"
            rf",?[ ](?:IS[ ]|NAMED[ ])?\(?(?P<it>[{CAPITAL}]{{3,}}\b)"
        ),
    ),
    (
        NAME,
        re.compile(
            r"\b(?:MRS?|DRS?|MISS|PROF|NURSE)(?:\.[ \t]?|[ \t])"
            rf"(?P<it>[{CAPITAL}'’-]{{3,}}(?:[ ][{CAPITAL}'’-]{{3,}})?)\b"
        ),
    ),
    # Alone; but not those that are verbs where a sentence begins, and no OCT of the macula.
    (
        DATE,
        re.compile(
            r"\b(?:(?i:January|February|September|October|November|December)|April|June|July|August|APRIL|JUNE|JULY|AUGUST"
            r"|Jan|Feb|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|(?:(?<=[a-z,][ ])|(?<=[a-z]-))(?:Mar(?:ch)?|May))\b"
        ),
    ),
    (PLACE, re.compile(rf"\b(?:in|from|near|at|to|outside)[ ](?P<it>{_WORD}(?:[ ]{_WORD})?)")),
)
