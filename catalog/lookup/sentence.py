"""The frame of a sentence taken off: who has it, that they have it, when they were seen."""

from __future__ import annotations

import re

# Names that open a sentence of a chart; a word that a title has is none (Rose, Grace and May are not listed).
_NAMES = """
aaron abigail adam aiden alan albert alex alexander alexis alice alicia allison amanda amber amelia amy
andrea andrew angela ann anna anne anthony aria ashley austin ava barbara benjamin beth betty beverly billy
bobby bradley brandon brenda brian brittany bruce bryan caleb carl carlos carol caroline carolyn catherine
charles charlotte cheryl chloe chris christian christina christine christopher cindy claire clara cynthia
daniel danielle david deborah debra denise dennis diana diane diego donald donna dorothy douglas dylan
edward eleanor elena eli elijah elizabeth ella ellen emily emma eric ethan eugene evan evelyn fatima fiona
frances frank gabriel gary george gerald gloria greg gregory hannah harold harper harry heather helen henry
isaac isabella ivan jack jacob jacqueline james jamie jane janet janice jason javier jean jeff jeffrey
jennifer jeremy jerry jesse jessica jill joan joe john johnny jonathan jordan jose joseph joshua joyce juan
judith judy julia julian julie justin karen katherine kathleen kathryn katie keith kelly kenneth kevin
kimberly kyle larry laura lauren lawrence layla leah leo liam lily linda lisa logan lori louis lucas lucy
luis luke madison maria marie marilyn mark martha martin mary mason matthew megan melissa mia michael
michelle miguel mike mila mohammed nancy natalie nathan nicholas nicole noah nora oliver olivia omar oscar
owen pamela patricia patrick paul penelope peter philip priya rachel ralph randy raymond rebecca richard
robert roger ronald roy russell ruth ryan samantha samuel sandra sara sarah scott sean sebastian sharon
shirley sofia sophia stephanie stephen steven susan tammy teresa terry theodore theresa thomas tiffany
timothy tina tom travis tyler vanessa victor victoria vincent violet virginia walter wayne wei wendy william
wyatt xavier yuki zachary zoe
"""

# Needed by no title, or said of the patient and not of the condition: without weight unless a title has them.
_NOISE = """
about according additionally admission admit admits admitted after again ago along also although am and are
assessment at be because been before being both brought but came care chart charted clinic clinical
clinician coded come comes complain complained complaining complains complaint confirm confirmed confirms
consistent consultation currently date day days department describes diagnosed diagnoses diagnosis
diagnostic did discharge discharged do doctor documentation documented does dr during earlier emergency
endorses er evaluated evaluation evidence exam examination examined exhibits experience experienced
experiences experiencing felt finding findings follow followed following follows found further gentleman got
had has have having he her here herself him himself his hospital i impression in indicate indicated
indicates is it its itself known lady last leading led living man managed management may me mentioned
morning mr mrs ms my new nightly note noted notes now nurse observed office old on ongoing onset our past
patient patients person physician please present presented presenting presents previously problem provider
pt reason receive received receiving recently record recorded records regarding related report reported
reporting reports requires result resulted resulting results reveal revealed reveals review room scheduled
see seeing seek seeks seen set she show showed shows signs since situation so specialist still struggles
struggling suffer suffered suffering suffers team that their them there these they this those today told
treat treated treatment under undergoing underwent up upon us very victim visit visited visits ward was we
week were when where which while who whom whose will woman work workup year years yesterday yo you young
your
"""
NAMES = frozenset(_NAMES.split())
NOISE = frozenset(_NOISE.split())

_WHO = (
    r"(?:[A-Z][a-z]+(?:\s[A-Z][a-z]+)?|(?:the|this|our|a|an)\s[\w\s-]{0,40}?"
    r"(?:patient|pt|man|woman|male|female|gentleman|lady|boy|girl|child|infant)|he|she|they|pt|patient)"
)
# "has a history of" says that someone has it; "personal history of" and "family history of" are titles.
_HISTORY = re.compile(
    rf"^\W*{_WHO}\s+(?:has|had|have|with|presents with|reports)\s+(?:an?\s+)?(?:\w+\s+)?"
    r"history\s+(?:significant\s+for|notable\s+for|of)\s+",
    re.IGNORECASE,
)


def without_history(text: str) -> str:
    """'Maria has a long history of asthma' → 'asthma'; 'has a family history of asthma' stays."""
    match = _HISTORY.match(text)
    if match is None or re.search(r"\b(?:personal|family)\s+history", match.group(), re.IGNORECASE):
        return text
    return text[match.end() :]
