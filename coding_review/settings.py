"""The one settings file: everything that differs between sites comes from the environment.

Names, defaults and meaning stand in the README's table of settings. A bad value is reported by a
numbered system check (coding_review/checks.py), not by a traceback from here. Importing this module
starts nothing: manage.py starts the embedded servers and fills DATABASE_URL and REDIS_URL.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import environ
from celery.schedules import crontab
from csp.constants import NONE, SELF

env = environ.Env()

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(env.str("CODING_REVIEW_VAR", default=str(BASE_DIR / "var")))

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="")
_secret_file = Path(env.str("SECRET_KEY_FILE", default=str(VAR_DIR / "secret_key")))
if not SECRET_KEY and _secret_file.is_file():
    SECRET_KEY = _secret_file.read_text(encoding="ascii").strip()
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "csp",
    "template_partials",
    "pgtrigger",
    "rest_framework",
    "rest_framework.authtoken",
    "drf_spectacular",
    "catalog",
    "modelops",
    "coding_review",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "coding_review.web.request_limits.NoNulMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "coding_review.web.request_limits.BodyLimitMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "coding_review.web.middleware.PrivacyMiddleware",
    "coding_review.web.middleware.ReviewErrorMiddleware",
]

ROOT_URLCONF = "coding_review.urls"
WSGI_APPLICATION = "coding_review.wsgi.application"
ASGI_APPLICATION = "coding_review.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "coding_review.web.context.shell",
            ],
        },
    },
]


def _secret(name: str) -> str:
    """What stands in the file that the environment names; a password is given so rather than inside an address."""
    path = Path(env.str(f"{name}_FILE", default=""))
    return path.read_text(encoding="utf-8").strip() if path.is_file() else ""


DATABASES = {"default": env.db_url("DATABASE_URL", default="postgres://localhost:1/none")}
if _password := _secret("DATABASE_PASSWORD"):
    DATABASES["default"]["PASSWORD"] = _password
DATABASES["default"]["CONN_MAX_AGE"] = env.int("DATABASE_CONN_MAX_AGE", default=60)
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DATABASES["default"].setdefault("OPTIONS", {})["application_name"] = "coding-review"
# Statements that kept_reads.py and kept_writes.py repeat are planned once a connection. A pooler that hands one
# connection to several clients within a session may not know them: off there (PgBouncer before 1.21).
_prepare = env.bool("DATABASE_PREPARE", default=True)
DATABASES["default"]["OPTIONS"]["prepare_threshold"] = 2 if _prepare else None

REDIS_URL = env.str("REDIS_URL", default="redis://127.0.0.1:1/0")
if _password := _secret("REDIS_PASSWORD"):
    REDIS_URL = REDIS_URL.replace("://", f"://:{quote(_password, safe='')}@", 1)
CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}

# --- Sign-in and sessions -------------------------------------------------------------------------
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTHENTICATION_BACKENDS = [
    "coding_review.auth.PasswordBackend",
    "coding_review.auth.RoleBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}", "OPTIONS": options}
    for name, options in (
        ("UserAttributeSimilarityValidator", {}),
        ("MinimumLengthValidator", {"min_length": 12}),
        ("CommonPasswordValidator", {}),
        ("NumericPasswordValidator", {}),
    )
]
LOGIN_URL = "web:sign-in"
LOGIN_REDIRECT_URL = "web:worklist"
LOGOUT_REDIRECT_URL = "web:sign-in"
# HTTPS in front is the rule; the demo on plain http://localhost turns this off by itself.
SECURE_COOKIES = env.bool("SECURE_COOKIES", default=True)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_COOKIES
SESSION_ENGINE = "coding_review.session_store"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
# Idle minutes until the session ends; PrivacyMiddleware slides it on real requests, never on polls.
SESSION_IDLE_MINUTES = env.int("SESSION_IDLE_MINUTES", default=30)
SESSION_COOKIE_AGE = SESSION_IDLE_MINUTES * 60
BEHIND_PROXY = env.bool("BEHIND_PROXY", default=False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=False)
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=0)
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

# --- Language, time, static files -----------------------------------------------------------------
LANGUAGE_CODE = "en-us"
TIME_ZONE = env.str("TIME_ZONE", default="UTC")
USE_I18N = False
USE_TZ = True
STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(VAR_DIR / "staticfiles")))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "coding_review.static_files.StaticFiles"},
}
WHITENOISE_USE_FINDERS = env.bool("WHITENOISE_USE_FINDERS", default=False)

# --- Celery ---------------------------------------------------------------------------------------
CELERY_BROKER_URL = REDIS_URL
# The database row is the truth; nobody reads task results.
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": env.int("TASK_VISIBILITY_SECONDS", default=900),
    # Without these two kombu looks for unacknowledged messages only every 100 s or so.
    "unacked_restore_interval": 3,
    "unacked_restore_throttle": 1,
    # Of a worker with several queues: round_robin, or priority (the first it names is emptied first).
    "queue_order_strategy": env.str("QUEUE_ORDER", default="round_robin"),
    # Sending gives up soon when the broker is away: the row stays queued and the sweeper sends it later.
    "socket_connect_timeout": 2,
    "socket_timeout": 4,
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0.2,
    "interval_max": 0.2,
}
CELERY_TASK_PUBLISH_RETRY_POLICY = {
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0.2,
    "interval_max": 0.2,
}
CELERY_TASK_ROUTES = {
    "coding_review.tasks.predict": {"queue": "predict"},
    # Sent to one of two queues by name (coding_review/queues.py).
    "coding_review.tasks.infer": {"queue": "inference.batch"},
    "coding_review.tasks.evaluate": {"queue": "evaluate"},
    "coding_review.tasks.write_charts": {"queue": "evaluate"},
    "coding_review.tasks.make_dataset": {"queue": "evaluate"},
    "coding_review.tasks.measure_knowledge": {"queue": "evaluate"},
    "coding_review.tasks.shadow": {"queue": "inference.batch"},
    # Where the run's files and processes are.
    "coding_review.tasks.spawn_training": {"queue": "train"},
    "coding_review.tasks.reconcile_trainings": {"queue": "train"},
    "coding_review.tasks.look_at_model_files": {"queue": "train"},
    # One at a time, so that a worker of two processes has the other for trainings.
    "coding_review.tasks.compare_model_files": {"queue": "train"},
}
# How often what was lost is looked for: predictions, evaluations and other work without a sign of life.
SWEEP_SECONDS = env.int("SWEEP_SECONDS", default=15)
CELERY_BEAT_SCHEDULE = {
    # Expires: beat without a worker leaves no pile of sweeps behind.
    "sweep": {"task": "coding_review.tasks.sweep", "schedule": SWEEP_SECONDS, "options": {"expires": 15}},
    "trainings": {
        "task": "coding_review.tasks.reconcile_trainings",
        "schedule": 5.0,
        "options": {"expires": 5},
    },
    # Looks at the files' states, opens none.
    "model-files": {
        "task": "coding_review.tasks.look_at_model_files",
        "schedule": 20.0,
        "options": {"expires": 20},
    },
    # Of the month before, once it is over.
    "audit-month": {
        "task": "coding_review.tasks.audit_last_month",
        "schedule": crontab(minute="15", hour="4", day_of_month="2"),
        "options": {"expires": 86400},
    },
    # Each does some seconds' work at most, and nothing once every release has its vectors.
    "embed": {"task": "coding_review.tasks.embed", "schedule": 10.0, "options": {"expires": 10}},
}
CELERY_WORKER_HIJACK_ROOT_LOGGER = False

# --- The product ----------------------------------------------------------------------------------
ENGINE = env.str("ENGINE", default="embedded")
# Name to dotted path of what makes the engine; the environment adds to it ("name=path,name=path").
ENGINES = {
    "embedded": "modelops.engines.embedded.engine.EmbeddedEngine",
    "vllm": "modelops.engines.llm.make.vllm_engine",
    "hybrid": "modelops.engines.hybrid.hybrid_engine",
    **env.dict("ENGINES", default={}),
}
# Engines whose work is waiting for a model server: their runs go to the workers of the inference queues.
INFERENCE_ENGINES = env.list("INFERENCE_ENGINES", default=["vllm", "hybrid"])
# Seconds without a model server after which the embedded engine answers a run in its place, marked; 0: never.
LLM_FALLBACK_AFTER_SECONDS = env.int("LLM_FALLBACK_AFTER_SECONDS", default=0)
BAND_HIGH = env.float("BAND_HIGH", default=0.90)
BAND_MEDIUM = env.float("BAND_MEDIUM", default=0.60)
LEASE_MINUTES = env.int("LEASE_MINUTES", default=15)
IDLE_MINUTES = env.int("IDLE_MINUTES", default=5)
# A predicting row with no sign of life for this long is queued again by the sweeper.
PREDICTION_HEARTBEAT_SECONDS = env.int("PREDICTION_HEARTBEAT_SECONDS", default=20)
PREDICTION_ATTEMPTS = env.int("PREDICTION_ATTEMPTS", default=3)
# An engine that needs longer for one encounter is stopped, and the run fails.
PREDICTION_SECONDS = env.int("PREDICTION_SECONDS", default=240)
# Whether the latest loaded release may stand in where none covers the date (marked everywhere it is used).
ALLOW_LATEST_RELEASE = env.bool("ALLOW_LATEST_RELEASE", default=False)
# CSV of the site's own table for the code edits that no published table stands behind; empty: they are off.
CODE_EDITS_SITE_TABLE = env.str("CODE_EDITS_SITE_TABLE", default="")
# Folder of the embedding that search by meaning uses (a static or a sentence-transformers model); empty: the
# shipped one.
EMBEDDING_MODEL = env.str("EMBEDDING_MODEL", default="")
# Whether the workers compute vectors of loaded releases; manage.py embed_catalog does so in any case.
EMBED_IN_BACKGROUND = env.bool("EMBED_IN_BACKGROUND", default=True)
READ_FIRST = env.bool("READ_FIRST", default=False)
# An evaluation asked for in the browser is stopped after so long.
EVALUATION_SECONDS = env.int("EVALUATION_SECONDS", default=1800)
# Synthetic charts asked for in the browser, and a dataset's build, are stopped after so long each.
SYNTHESIS_SECONDS = env.int("SYNTHESIS_SECONDS", default=3600)
DATASET_SECONDS = env.int("DATASET_SECONDS", default=3600)
# Either is lost when its worker has shown no sign of life for so long.
WORK_LOST_SECONDS = env.int("WORK_LOST_SECONDS", default=60)
# Where the predictions of stored evaluations are kept, each under its SHA-256; web server and workers share it.
EVALUATION_DIR = Path(env.str("EVALUATION_DIR", default=str(VAR_DIR / "evaluations")))
# General knowledge before and after a training: the environment of `make knowledge`, the folder of questions
# (medmcqa.jsonl…), and how many of each file are asked (0: all).
KNOWLEDGE_VENV = env.str("KNOWLEDGE_VENV", default=str(BASE_DIR / ".venv-knowledge"))
KNOWLEDGE_DIR = env.str("KNOWLEDGE_DIR", default=str(VAR_DIR / "knowledge"))
KNOWLEDGE_QUESTIONS = env.int("KNOWLEDGE_QUESTIONS", default=0)
# Limits of the promotion gate in place of the table's (rules/promotion_gate.py): "exact_f1=-0.01,domain_loss=0.03".
PROMOTION_GATE = env.dict("PROMOTION_GATE", cast={"value": float}, default={})
# Limits of the drift page in place of its own (rules/drift.py): "accept_drop=0.1,least_decisions=50".
DRIFT_LIMITS = env.dict("DRIFT_LIMITS", cast={"value": float}, default={})
# Where dataset versions are kept, each in a folder of its own; web server, workers and trainers share it.
DATASETS_DIR = Path(env.str("DATASETS_DIR", default=str(VAR_DIR / "datasets")))
# What other names and days in de-identified charts follow from. With another key the same patient gets others.
DEIDENTIFICATION_KEY = _secret("DEIDENTIFICATION_KEY") or SECRET_KEY
# What the site decided of words that may be names (manage.py words_in_doubt); read by whoever builds a dataset.
DEIDENTIFICATION_WORDS = Path(
    env.str("DEIDENTIFICATION_WORDS", default=str(VAR_DIR / "deidentification-words.tsv"))
)
# Runs of trainings, each in a folder of its own, and the folders that base checkpoints are taken from (results of
# trainings below TRAINING_DIR too); the workers of the queue `train` and the web server share them.
TRAINING_DIR = Path(env.str("TRAINING_DIR", default=str(VAR_DIR / "training")))
TRAINING_BASE_DIRS = [
    Path(folder) for folder in env.list("TRAINING_BASE_DIRS", default=[str(VAR_DIR / "models")])
]
# Files of a model version up to so many bytes are compared with their hashes while who promotes it waits; larger ones
# by a worker of the queue `train` beforehand.
MODEL_FILES_AT_ONCE_BYTES = env.int("MODEL_FILES_AT_ONCE_BYTES", default=1024**3)
# Hostfiles of trainings over several nodes are taken from here alone: who writes there says where jobs may run.
TRAINING_HOSTFILES_DIR = Path(env.str("TRAINING_HOSTFILES_DIR", default=str(VAR_DIR / "hostfiles")))
# The environment that trainers run in; empty: the one that `make training` made.
TRAINING_VENV = env.str("TRAINING_VENV", default="")
# A training without a sign of life for so long is lost; one told to stop that has not ended after so long is ended.
TRAINING_LOST_SECONDS = env.int("TRAINING_LOST_SECONDS", default=60)
# The same of one that a cluster's scheduler runs, seen through a shared file system.
TRAINING_CLUSTER_LOST_SECONDS = env.int("TRAINING_CLUSTER_LOST_SECONDS", default=900)
TRAINING_CANCEL_SECONDS = env.int("TRAINING_CANCEL_SECONDS", default=1800)
# Checkpoints up to so many parameters are measured by a process of the training environment where no vLLM has them.
LOCAL_TRANSFORMERS_PARAMETERS = env.int("LOCAL_TRANSFORMERS_PARAMETERS", default=500_000_000)
# Servers of the engine vllm, OpenAI-compatible: url or url=weight. Never taken from a request or a file.
LLM_BASE_URLS = env.list("LLM_BASE_URLS", default=[])
LLM_API_KEY_FILE = env.str("LLM_API_KEY_FILE", default="")
# Name of the model to ask for; empty: the server's own. An active model version goes before it.
LLM_MODEL = env.str("LLM_MODEL", default="")
# Prompt for a model that does not say which it was trained with: icd10cm-1, or icd10cm-short-1 for small models.
LLM_PROMPT = env.str("LLM_PROMPT", default="icd10cm-1")
# What prompt and answer may have together, and the answer alone.
LLM_CONTEXT_TOKENS = env.int("LLM_CONTEXT_TOKENS", default=8192)
LLM_OUTPUT_TOKENS = env.int("LLM_OUTPUT_TOKENS", default=1500)
# Answers for each window; those that agree make a code surer.
LLM_PASSES = env.int("LLM_PASSES", default=1)
LLM_TEMPERATURE = env.float("LLM_TEMPERATURE", default=0.0)
# Nothing, candidates (codes of the catalog in the prompt) or candidates+verify; closed: only these may be named.
LLM_GROUNDING = env.str("LLM_GROUNDING", default="")
LLM_CLOSED = env.bool("LLM_CLOSED", default=False)
# Codes that the lookup may name for a line, and codes of a window; whether those of the embedded engine lead them.
LLM_CANDIDATES_PER_LINE = env.int("LLM_CANDIDATES_PER_LINE", default=6)
LLM_CANDIDATES = env.int("LLM_CANDIDATES", default=120)
LLM_CANDIDATES_KNOWLEDGE = env.bool("LLM_CANDIDATES_KNOWLEDGE", default=True)
# Whether procedures are asked for where the claim carries CPT or HCPCS and a release is loaded.
LLM_PROCEDURES = env.bool("LLM_PROCEDURES", default=True)
# What the hybrid engine's knowledge layer is sure of (docs/grounding.md): its confidence; its confidence where the
# lookup of the same words agrees, and how nearly; the confidence below which nobody is asked; lines shown beside
# those asked about; how near to a wording words must be to be asked about; whether they
# are settled by their context, or by a code that stands elsewhere; parts of a note whose words are not asked about.
HYBRID_HIGH = env.float("HYBRID_HIGH", default=BAND_HIGH)
HYBRID_AGREEING = env.float("HYBRID_AGREEING", default=0.6)
HYBRID_EXACT = env.float("HYBRID_EXACT", default=0.95)
HYBRID_DOUBT = env.float("HYBRID_DOUBT", default=0.0)
HYBRID_BESIDE = env.int("HYBRID_BESIDE", default=1)
HYBRID_TERM = env.float("HYBRID_TERM", default=0.7)
HYBRID_CONTEXT = env.bool("HYBRID_CONTEXT", default=True)
HYBRID_KNOWN = env.bool("HYBRID_KNOWN", default=True)
HYBRID_LEFT_OUT = env.list("HYBRID_LEFT_OUT", default=[])
# Requests under way at each server; how many may wait there before ours are held back; requests of all workers
# together, as 600/minute.
LLM_IN_FLIGHT = env.int("LLM_IN_FLIGHT", default=16)
LLM_MAX_WAITING = env.int("LLM_MAX_WAITING", default=8)
LLM_RATE = env.str("LLM_RATE", default="")
# One chart's time at the language model, waiting included.
LLM_CHART_SECONDS = env.int("LLM_CHART_SECONDS", default=180)

# --- The API --------------------------------------------------------------------------------------
# Days that a token lives; 0: until it is revoked.
API_TOKEN_DAYS = env.int("API_TOKEN_DAYS", default=90)
# Requests of one user, and tries at a password from one address; number/second, minute, hour or day.
API_RATE = env.str("API_RATE", default="600/minute")
API_SIGN_IN_RATE = env.str("API_SIGN_IN_RATE", default="10/minute")

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "coding_review.api.authentication.ExpiringTokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.LimitOffsetPagination",
    "PAGE_SIZE": 50,
    "EXCEPTION_HANDLER": "coding_review.api.errors.problem_handler",
    "DEFAULT_THROTTLE_CLASSES": ["coding_review.api.throttling.UserThrottle"],
    # Whose address counts: the proxy's word is taken only where there is one.
    "NUM_PROXIES": 1 if SECURE_PROXY_SSL_HEADER else 0,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Coding review",
    "VERSION": "1",
    "DESCRIPTION": "Send encounters, read suggestions and decisions, decide, sign off: with the rights of the "
    "user whose token is sent, and through the same rules as the pages.",
    "SERVE_INCLUDE_SCHEMA": False,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "PATH_CONVERTER_OVERRIDES": {"int": {"type": "integer", "minimum": 0, "maximum": 2**63 - 1}},
    # Words of choices.py as named enums, whichever field shows them.
    "ENUM_NAME_OVERRIDES": {
        "EncounterStatus": "coding_review.choices.EncounterStatus",
        "CodeSetStatus": "coding_review.choices.CodeSetStatus",
        "DocumentStatus": "coding_review.choices.DocumentStatus",
        "HoldReason": "coding_review.choices.HoldReason",
        "SkipReason": "coding_review.choices.SkipReason",
        "ReopenReason": "coding_review.choices.ReopenReason",
        "DecisionAction": "coding_review.choices.DecisionAction",
        "EntryState": "coding_review.choices.EntryState",
        "ClaimType": "catalog.choices.ClaimType",
        "Band": "modelops.choices.Band",
        "CodeRole": "catalog.choices.CodeRole",
        "PresentOnAdmission": "catalog.choices.PresentOnAdmission",
        "DecideAction": ["accept", "reject", "modify", "dismiss", "hold", "withdraw"],
    },
}

# Notes and names never reach a log: messages carry ids and codes only, request bodies are not logged, and of an
# error its class and place are written (coding_review/log_lines.py). Django's and gunicorn's own handlers would
# write its words, so all lines go through this one.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "coding_review.log_lines.WithoutWords",
            "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        "django.server": {"handlers": [], "level": "INFO", "propagate": True},
        "gunicorn.error": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
        # A line for every request to a language model's server says nothing that the metrics do not.
        "httpx": {"handlers": [], "level": "WARNING", "propagate": True},
    },
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATA_UPLOAD_MAX_MEMORY_SIZE = 4 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 4 * 1024 * 1024
