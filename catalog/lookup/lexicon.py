"""What is written short in a chart, and lay words, under the words of the tabular list.

Own table beside catalog/abbreviations.py, which it extends: forms that shorten one word of a title ("subq",
"metastat"), joints, bones and vessels by their letters, and the shorthand of encounters and injuries.
"""

from __future__ import annotations

import re

from catalog.abbreviations import ABBREVIATIONS
from catalog.lookup.cut import forms

_SHORT = """
abd: abdominal; abdomen
abn: abnormal
abnl: abnormal
abx: antibiotics
ac: acute; acromioclavicular; anticoagulant
accid: accident; accidental
acl: anterior cruciate ligament
adj: adjustment
adm: admission
ado: adolescent
ant: anterior
appy: appendicitis
approx: approximately
art: artery; arterial
assoc: associated
asst: assault
atyp: atypical
bact: bacterial
bil: bilateral
bilat: bilateral
bl: bilateral; blood
both: bilateral
blt: bilateral
bmt: bone marrow transplant
bp: blood pressure
brca: malignant neoplasm breast
br: breast
bs: blood sugar
bv: blood vessel
bx: biopsy
carc: carcinoma
cath: catheter
cerv: cervical
chol: cholesterol
chr: chronic
chron: chronic
circ: circulatory; circulation
cl: closed
clsd: closed
cmc: carpometacarpal
cmp: complication
cns: central nervous system
comp: complication; complications; complicated; complete
compl: complicated; complication; complications; complete
complic: complication; complications; complicated
cond: condition
cong: congenital
congen: congenital
cont: continuing
cva: cerebral infarction; cerebrovascular
cvd: cardiovascular disease
cx: cervical; cervix
cyst: cystic
def: deficiency; defect
deform: deformity
degen: degenerative; degeneration
delivry: delivery
depr: depressive
derm: dermatitis
dev: developmental
diab: diabetes; diabetic
diffs: difficulties
dil: dilated
dip: distal interphalangeal
dis: disease; disorder
disl: dislocation
disloc: dislocation
displ: displaced
dispr: disproportion
dist: distal
disp: displaced
dm: diabetes mellitus; diabetic
do: disorder
dx: diagnosis
dz: disease
dzs: diseases
elev: elevated
emb: embolism
enc: encounter
enctr: encounter
encntr: encounter
epis: episode
esp: especially
etoh: alcohol
exac: exacerbation
exam: examination
exc: except
excl: excluding
exp: exposure
ext: external; extremity
extr: extremity
fam: family
fb: foreign body
fem: female; femoral
fetl: fetal
fib: fibula; fibrillation
flex: flexor
fn: function
freq: frequency
frx: fracture
ft: foot
fu: follow up
fx: fracture; fractured
fxs: fractures; fracture
gast: gastric
gen: generalized; general
gest: gestational; gestation
glau: glaucoma
gsw: gunshot firearm
ha: headache
hem: hemorrhage
hemorr: hemorrhage
hep: hepatitis
hrt: heart
hered: hereditary
hg: hyperglycemia
hgb: hemoglobin
hosp: hospital
hrs: hours
hr: hour
htn: hypertension; hypertensive
hx: history
hyperten: hypertension; hypertensive
id: intellectual disabilities
idio: idiopathic
imm: immunization
immuno: immunodeficiency
inc: incomplete
incl: including
indet: indeterminate
inf: inferior; infection
infec: infection; infectious
infx: infection
infxn: infection
inflam: inflammatory; inflammation
init: initial
inj: injury; injured
int: internal
intent: intentional
intl: internal
intox: intoxication
intract: intractable
inv: involving
invol: involving; involvement
ip: interphalangeal
irreg: irregular
isch: ischemic; ischemia
it: intertrochanteric
jct: junction
jt: joint
juv: juvenile
kg: kilogram
l: left
lac: laceration
lacn: laceration
lapr: laparoscopic
lat: lateral
lft: left
lg: large
lig: ligament
ll: lower limb
loc: loss consciousness
lumb: lumbar
lvl: level
lwr: lower
lymph: lymphoma; lymphatic
mal: malignant
malig: malignant
mand: mandible
mat: maternal
max: maxillary
mc: metacarpal; motorcycle
mcp: metacarpophalangeal
med: medial; medical
mets: secondary malignant neoplasm
metast: secondary
mgmt: management
mid: middle
min: minutes
mins: minutes
misc: miscellaneous
mod: moderate
mt: metatarsal
mtp: metatarsophalangeal
mult: multiple
mv: motor vehicle
mva: motor vehicle accident; collision motor vehicle
mvc: collision motor vehicle; motor vehicle
musc: muscle
nb: newborn
ndispl: nondisplaced
nec: elsewhere classified; specified
neop: neoplasm
neopl: neoplasm
nerv: nervous
neuro: neurologic; neurological
nl: normal
nondisp: nondisplaced
nondispl: nondisplaced
nonhod: hodgkin
nontraum: nontraumatic
nos: unspecified
occ: occupational
od: right eye
op: open
oth: other
ou: bilateral eye
os: left eye
pat: pathological
path: pathological
pcp: phencyclidine
periph: peripheral
perf: perforation
perfor: perforation
phal: phalanx
pip: proximal interphalangeal
pmh: personal history
pna: pneumonia
poss: possible
post: posterior
postop: postprocedural; postoperative
postproc: postprocedural
preg: pregnancy; pregnant
prev: previous
prim: primary
prob: problem; problems
proc: procedure; process
prolif: proliferative
prox: proximal
ps: pressure
psych: psychological; psychiatric
pt: patient
pts: patient
ptx: pneumothorax
pulm: pulmonary
px: prophylactic; procedure
rad: radius; radial
rehab: rehabilitation
recur: recurrent
reg: region
resp: respiratory
rheum: rheumatoid; rheumatic
rl: right lower
rout: routine
rt: right
r: right
rupt: rupture
rx: drug
sc: subcutaneous
schizo: schizophrenia
sec: secondary
seq: sequela
sev: severe
si: sacroiliac
sis: sister
sm: small
sp: specified; spontaneous
spec: specified
spont: spontaneous
spr: sprain
squam: squamous
stg: stage
subarach: subarachnoid
subcut: subcutaneous
subdur: subdural
subl: subluxation
subq: subcutaneous
subs: subsequent
subseq: subsequent
subsq: subsequent
substn: substance
sup: superior; superficial
superf: superficial
supp: suppurative
susp: suspected
sx: symptoms; symptom; sprain
sympt: symptoms; symptom
synd: syndrome
sys: system; systemic
syst: system; systemic
tbi: traumatic brain injury; intracranial injury
temp: temporary
thor: thoracic
thromb: thrombosis
thrombo: thrombosis; thrombocytopenia
tm: tympanic membrane
tox: toxic
traf: traffic
trans: transient; transverse
transv: transverse
traum: traumatic
trauma: traumatic; injury
trim: trimester
tx: treatment
ue: upper extremity
ul: upper limb
undet: undetermined
undeterm: undetermined
unk: unknown
uns: unspecified
unsp: unspecified
unspec: unspecified
unspecif: unspecified
upr: upper
ur: urinary
usp: unspecified
usu: usual
vag: vaginal
vasc: vascular
veh: vehicle
vert: vertebra; vertebral
vs: versus
vx: varices
wks: weeks
wk: weeks
wnd: wound
xfer: transfer
yo: year old
yr: year
yrs: years
"""

# Lay words and words that mean the same; the words of a title on the right.
_SAME = """
armpit: axilla
belly: abdominal; abdomen
bedsore: pressure ulcer
bleeding: hemorrhage
bleed: hemorrhage
blocked: obstruction
breastbone: sternum
broken: fracture
bruise: contusion
cancer: malignant neoplasm
cancerous: malignant
carcinoma: malignant neoplasm
cheekbone: zygomatic
distal: lower end
clot: thrombosis; embolism
clots: thrombosis; embolism
collarbone: clavicle
drunk: alcohol intoxication
earache: otalgia
enlarged: hypertrophy; enlargement
followup: subsequent encounter
gallstone: calculus gallbladder
gallstones: calculus gallbladder
gum: gingival
hardening: sclerosis
itching: pruritus
jaw: mandible; jaw
jaundiced: jaundice
jawbone: mandible
kidney: renal
renal: kidney
kneecap: patella
liver: hepatic
hepatic: liver
lung: pulmonary
pulmonary: lung
cardiac: heart
heart: cardiac
no: without
nosebleed: epistaxis
piles: hemorrhoids
shinbone: tibia
shingles: zoster
smoker: nicotine dependence
smoking: nicotine dependence; tobacco
spine: vertebra; spinal
stones: calculus
stone: calculus
stroke: cerebral infarction
suicide: self harm
suicidal: self harm
swelling: edema; swelling
tailbone: coccyx
thighbone: femur
throwing: vomiting
tumor: neoplasm
tumour: neoplasm
womb: uterus
windpipe: trachea
"""


def _read(table: str) -> dict[str, tuple[tuple[str, ...], ...]]:
    read: dict[str, tuple[tuple[str, ...], ...]] = {}
    for line in table.strip().splitlines():
        short, _, meanings = line.partition(":")
        read[short] = tuple(tuple(meaning.split()) for meaning in meanings.split(";"))
    return read


def _merged(*tables: dict[str, tuple[tuple[str, ...], ...]]) -> dict[str, tuple[tuple[str, ...], ...]]:
    merged: dict[str, tuple[tuple[str, ...], ...]] = {}
    for table in tables:
        for short, meanings in table.items():
            known = merged.get(short, ())
            merged[short] = known + tuple(meaning for meaning in meanings if meaning not in known)
    return merged


# Short form, lower case → the wordings it may stand for, the likeliest first.
SHORT = _merged(ABBREVIATIONS, _read(_SHORT))
SAME = _read(_SAME)

# Written with signs or of several words: resolved before the text is cut into words. Order matters.
PHRASES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(rf"(?<![a-z0-9])(?:{pattern})(?![a-z0-9])", re.IGNORECASE), f" {meaning} ")
    for pattern, meaning in (
        (r"w/\s*o|w-o", "without"),
        (r"with\s+no|with\s+out", "without"),
        (r"s/p", "status post"),
        (r"p/w|c/o|a/w|assoc\.?\s+w/?", "with"),
        (r"h/o", "history of"),
        (r"f/h|f/hx", "family history"),
        (r"f/u", "follow up"),
        (r"d/t|2/2|2°", "due to"),
        (r"c/b", "complicated by"),
        (r"n/v/d", "nausea vomiting diarrhea"),
        (r"n/v", "nausea vomiting"),
        (r"b/l|b/lat", "bilateral"),
        (r"d/o", "disorder"),
        (r"r/t", "related to"),
        (r"heart attack", "myocardial infarction"),
        (r"high cholesterol", "hypercholesterolemia"),
        (r"high blood sugar", "hyperglycemia"),
        (
            r"(?:do|does|did|is|are|was|were|has|have|had)(?:n['’]?t|\s+not)\s+(?:have|had|involve|include|show|cause)"
            r"(?:\s+any)?",
            "without",
        ),
        (r"but\s+(?:no|not)|in the absence of|lacking|absent", "without"),
        (r"(?:which|that|and|who)\s+(?:also\s+)?(?:has|had|involves|includes)", "with"),
        (r"(?:late|lingering|residual|long[- ]term|after)[- ]?effects?(?:\s+(?:of|from))?", "sequela"),
        (
            r"both\s+(?:eyes|ears|knees|hips|feet|hands|legs|arms|sides|shoulders|breasts|ankles|wrists|elbows)",
            "both",
        ),
        (r"left[- ]sided", "left side"),
        (r"right[- ]sided", "right side"),
        (r"follow[- ]?up (?:visit|encounter|care) for", "subsequent encounter for"),
        (r"first (?:visit|encounter|treatment) for", "initial encounter for"),
        (r"active treatment", "initial encounter"),
        (r"n\.?\s?e\.?\s?c\.?", "not elsewhere classified"),
        (r"n\.?\s?o\.?\s?s\.?", "unspecified"),
        (r"t2dm|dm2|dm\s*(?:type\s*)?(?:2|ii)|type\s*ii\s+dm", "type 2 diabetes mellitus"),
        (r"t1dm|dm1|dm\s*(?:type\s*)?(?:1|i)|type\s*i\s+dm", "type 1 diabetes mellitus"),
        (r"stage\s+iv|stg\s+iv", "stage 4"),
        (r"stage\s+iii", "stage 3"),
        (r"stage\s+ii", "stage 2"),
        (r"stage\s+i", "stage 1"),
    )
)
WITH = re.compile(r"(?<![a-z0-9])w/", re.IGNORECASE)

# Roman and spelled-out numbers beside figures; read either way.
NUMBERS: tuple[tuple[str, ...], ...] = (
    ("1", "i", "one"), ("2", "ii", "two"), ("3", "iii", "three"), ("4", "iv", "four"), ("5", "v", "five"),
    ("6", "vi", "six"), ("7", "vii", "seven"), ("8", "viii", "eight"), ("9", "ix", "nine"),
    ("10", "x", "ten"),
)  # fmt: skip


def resolve(text: str) -> str:
    for pattern, meaning in PHRASES:
        text = pattern.sub(meaning, text)
    return WITH.sub(" with ", text)


def meant_words(text: str) -> frozenset[str]:
    """The words of a text with those that they are short for or stand beside."""
    found = set(forms(resolve(text)))
    for table in (SHORT, SAME):
        found.update(part for word in tuple(found) for meaning in table.get(word, ()) for part in meaning)
    return frozenset(found)
