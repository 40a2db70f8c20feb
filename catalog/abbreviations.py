"""What coders and clinicians write short, and the words under which the catalog has it.

Own table, kept small on purpose: only what is unambiguous in a box where one looks up a diagnosis.
A word found here is searched as written too.
"""

from __future__ import annotations

import re

# More than one word or written with a slash, so resolved before text is cut into words.
_PHRASES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(rf"(?<![a-z0-9])(?:{pattern})(?![a-z0-9])", re.IGNORECASE), words)
    for pattern, words in (
        (r"w/o", " without "),
        (r"s/p", " status "),
        (r"h/o", " history "),
        (r"f/hx?", " family history "),
        (r"d/t|2/2", " due to "),
        (r"c/b", " complicated by "),
        (r"n/v", " nausea vomiting "),
        (r"heart attack", " myocardial infarction "),
        (r"high cholesterol", " hypercholesterolemia "),
        (r"late effects?(?:\s+(?:of|from))?", " sequela "),
    )
)
# "w/ckd" and "w/ ckd".
_WITH = re.compile(r"(?<![a-z0-9])w/", re.IGNORECASE)

_TABLE = """
aaa: abdominal aortic aneurysm
acs: acute coronary syndrome; acute ischemic heart disease
adhd: attention deficit hyperactivity disorder
afib: atrial fibrillation
aflutter: atrial flutter
aka: acquired absence leg above knee
aki: acute kidney failure
als: amyotrophic lateral sclerosis
ami: acute myocardial infarction
aml: acute myeloblastic leukemia
ards: acute respiratory distress syndrome
ascvd: atherosclerotic heart disease
asd: atrial septal defect
avm: arteriovenous malformation
avn: osteonecrosis; aseptic necrosis
bcc: basal cell carcinoma
bilat: bilateral
bka: below knee amputation; acquired absence leg below knee
bmi: body mass index
bph: benign prostatic hyperplasia
bppv: benign paroxysmal vertigo
broken: fracture
bv: bacterial vaginosis; vaginitis
ca: cancer; malignant neoplasm
cabg: aortocoronary bypass graft
cad: atherosclerotic heart disease; coronary artery disease
cancer: malignant neoplasm
cdiff: clostridium difficile
chf: congestive heart failure; heart failure
ckd: chronic kidney disease
cll: chronic lymphocytic leukemia
cml: chronic myeloid leukemia
copd: chronic obstructive pulmonary disease
crps: complex regional pain syndrome
cva: cerebral infarction; cerebrovascular accident
ddd: disc degeneration
djd: osteoarthritis
dka: diabetes ketoacidosis
dm1: type 1 diabetes mellitus
dm2: type 2 diabetes mellitus
dm: diabetes mellitus
dvt: deep vein thrombosis; embolism thrombosis deep veins
ebv: epstein barr; gammaherpesviral
eoe: eosinophilic esophagitis
esrd: end stage renal disease
etoh: alcohol
fb: foreign body
fh: family history
fhx: family history
fsgs: focal segmental glomerular
ftt: failure to thrive
fx: fracture
gad: generalized anxiety disorder
gbs: guillain barre syndrome
gdm: gestational diabetes
gerd: gastro esophageal reflux disease
gi: gastrointestinal
gib: gastrointestinal hemorrhage
gu: genitourinary
gvhd: graft versus host disease
hbv: hepatitis b
hcc: liver cell carcinoma
hcm: hypertrophic cardiomyopathy
hcv: hepatitis c
hf: heart failure
hfpef: diastolic heart failure
hfref: systolic heart failure
hiv: human immunodeficiency virus
hld: hyperlipidemia
hpv: papillomavirus
hs: hidradenitis suppurativa
hsv: herpesviral; herpes simplex
htn: hypertension
hx: history
ibd: inflammatory bowel disease
ibs: irritable bowel syndrome
ich: intracerebral hemorrhage
iddm: type 1 diabetes mellitus
ild: interstitial pulmonary disease; interstitial lung disease
itp: immune thrombocytopenic purpura
iud: intrauterine contraceptive device
iugr: fetal growth restriction; slow fetal growth
jia: juvenile arthritis
lbp: low back pain
lle: left lower limb
lt: left
lue: left upper limb
mdd: major depressive disorder
mi: myocardial infarction
mrsa: methicillin resistant staphylococcus aureus
ms: multiple sclerosis
mssa: methicillin susceptible staphylococcus aureus
mva: motor vehicle accident
mvc: collision motor vehicle
nafld: fatty change liver
nash: nonalcoholic steatohepatitis
niddm: type 2 diabetes mellitus
nos: unspecified
nph: normal pressure hydrocephalus
nstemi: non st elevation myocardial infarction
oa: osteoarthritis
ocd: obsessive compulsive disorder
osa: obstructive sleep apnea
pad: peripheral vascular disease
pcos: polycystic ovarian syndrome
pda: patent ductus arteriosus
pe: pulmonary embolism
pfo: foramen ovale
pid: inflammatory disease female pelvic
pmh: personal history
pmr: polymyalgia rheumatica
pna: pneumonia
pph: postpartum hemorrhage
prom: premature rupture of membranes
ptsd: post traumatic stress disorder
pud: peptic ulcer
pvd: peripheral vascular disease
ra: rheumatoid arthritis
rle: right lower limb
rls: restless legs syndrome
rsv: respiratory syncytial virus
rt: right
rue: right upper limb
sah: subarachnoid hemorrhage
sbo: intestinal obstruction
scc: squamous cell carcinoma
sdh: subdural hemorrhage
sle: systemic lupus erythematosus
sob: shortness of breath
status: presence; absence; history
stemi: st elevation myocardial infarction
stroke: cerebral infarction
svt: supraventricular tachycardia
t1dm: type 1 diabetes mellitus
t2dm: type 2 diabetes mellitus
tb: tuberculosis
tbi: traumatic brain injury; intracranial injury
tha: artificial hip joint
thr: artificial hip joint
tia: transient cerebral ischemic attack
tka: artificial knee joint
tkr: artificial knee joint
tmj: temporomandibular joint
ttp: thrombotic thrombocytopenic purpura
unspec: unspecified
uri: upper respiratory infection
uti: urinary tract infection
vbac: vaginal delivery following previous cesarean
vfib: ventricular fibrillation
vsd: ventricular septal defect
vt: ventricular tachycardia
vtach: ventricular tachycardia
vte: venous thrombosis embolism
vzv: varicella; zoster
wt: weight
xrt: radiation; radiotherapy
"""


def _read(table: str) -> dict[str, tuple[tuple[str, ...], ...]]:
    read: dict[str, tuple[tuple[str, ...], ...]] = {}
    for line in table.strip().splitlines():
        short, _, meanings = line.partition(":")
        read[short] = tuple(tuple(meaning.split()) for meaning in meanings.split(";"))
    return read


# Abbreviation, lower case → the wordings it stands for, each a run of words.
ABBREVIATIONS: dict[str, tuple[tuple[str, ...], ...]] = _read(_TABLE)


def resolve_phrases(text: str) -> str:
    """'t2dm w/ckd' → 't2dm  with ckd'."""
    for pattern, meaning in _PHRASES:
        text = pattern.sub(meaning, text)
    return _WITH.sub(" with ", text)
