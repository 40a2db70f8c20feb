"""What a training job is told: recipe, resources, and the run.json that holds both. Inert: nothing is read or opened.

Read by the application and by the trainer's process, which has no Django.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from types import UnionType
from typing import Any, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints

# What goes into templates and commands: a host, a partition, an account, a path, a duration, a quantity.
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_PATH = re.compile(r"/[A-Za-z0-9._/-]{0,380}")
_IMAGE = re.compile(r"[a-z0-9][a-z0-9._/:@-]{0,250}")
# Not \d, which takes the digits of every script.
_DURATION = re.compile(r"([0-9]{1,2}-)?[0-9]{1,2}:[0-5][0-9]:[0-5][0-9]")

PRECISIONS = ("fp32", "bf16")
SCHEDULES = ("linear", "cosine", "constant", "constant_with_warmup")
# adam: torch's. cpu_adam: DeepSpeed's own for offloaded states, compiled where it runs.
OPTIMIZERS = ("adam", "cpu_adam")
ATTENTIONS = ("sdpa", "eager", "flash_attention_2", "flex_attention")
PLACES = ("local", "hostfile", "slurm", "kubernetes")
DEVICES = ("cuda", "cpu")
METHODS = ("full", "lora")

Config = TypeVar("Config")


class Fault(NamedTuple):
    field: str
    message: str


class BadConfig(ValueError):
    """What cannot be; `field` names it, as "recipe.epochs". `faults`: all that cannot be, of which it is the first."""

    def __init__(self, message: str, name: str, faults: tuple[Fault, ...] = ()) -> None:
        super().__init__(message)
        self.field = name
        self.faults = faults or (Fault(name, message),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lora:
    """Rank, scale and dropout of an adapter; `targets`: names of the layers, empty for all linear ones."""

    rank: int = 16
    alpha: int = 32
    dropout: float = 0.0
    targets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stage of a curriculum: the examples whose "stage" is `name`, trained on after the stage before."""

    name: str
    epochs: float = 1.0
    learning_rate: float = 1e-5


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """The defaults are the paper's recipe.

    micro_batch: packs a process takes at once. accumulation: such batches for one step. max_tokens: of a pack; longer
    examples are left out and counted. save_steps: steps between checkpoints, 0: one at the end of each epoch.
    keep: checkpoints kept. max_steps: of each stage, 0: as many as its epochs have. stages: a
    curriculum in place of epochs and learning_rate; empty: all examples together.
    """

    epochs: float = 4.0
    learning_rate: float = 1e-5
    weight_decay: float = 0.1
    schedule: str = "linear"
    warmup: float = 0.0
    max_grad_norm: float = 1.0
    micro_batch: int = 4
    accumulation: int = 1
    max_tokens: int = 8192
    zero_stage: int = 3
    offload_optimizer: bool = True
    offload_parameters: bool = False
    optimizer: str = "cpu_adam"
    precision: str = "bf16"
    attention: str = "sdpa"
    gradient_checkpointing: bool = True
    seed: int = 20260101
    save_steps: int = 0
    keep: int = 2
    validate: bool = True
    max_steps: int = 0
    lora: Lora = field(default_factory=Lora)
    stages: tuple[Stage, ...] = ()

    def __post_init__(self) -> None:
        _refuse(self._faults())

    def _faults(self) -> Iterator[Fault]:
        yield from _one_of("recipe.schedule", self.schedule, SCHEDULES)
        yield from _one_of("recipe.optimizer", self.optimizer, OPTIMIZERS)
        yield from _one_of("recipe.precision", self.precision, PRECISIONS)
        yield from _one_of("recipe.attention", self.attention, ATTENTIONS)
        yield from _one_of("recipe.zero_stage", self.zero_stage, (0, 1, 2, 3))
        for name, least, most in (
            ("epochs", 0.01, 1000.0),
            ("learning_rate", 1e-8, 1.0),
            ("weight_decay", 0.0, 1.0),
            ("warmup", 0.0, 0.5),
            ("max_grad_norm", 0.0, 1000.0),
            ("micro_batch", 1, 1024),
            ("accumulation", 1, 4096),
            ("max_tokens", 64, 1_048_576),
            ("save_steps", 0, 1_000_000),
            ("keep", 2, 100),
            ("max_steps", 0, 10_000_000),
            # What every generator of random numbers takes.
            ("seed", 0, 2**32 - 1),
        ):
            yield from _within(f"recipe.{name}", getattr(self, name), least, most)
        for name, least, most in (("rank", 1, 1024), ("alpha", 1, 4096), ("dropout", 0.0, 0.9)):
            yield from _within(f"recipe.lora.{name}", getattr(self.lora, name), least, most)
        for target in self.lora.targets:
            yield from _matches("recipe.lora.targets", target, _WORD)
        yield from self._faults_of_stages()
        if self.offload_parameters and self.zero_stage != 3:
            yield Fault("recipe.offload_parameters", "Parameters are offloaded with ZeRO stage 3 only.")
        if self.offload_optimizer and self.zero_stage == 0:
            yield Fault(
                "recipe.offload_optimizer", "The optimizer is offloaded with ZeRO stages 1 to 3 only."
            )
        if self.optimizer == "cpu_adam" and not self.offload_optimizer:
            yield Fault("recipe.optimizer", "cpu_adam is for an offloaded optimizer.")

    def _faults_of_stages(self) -> Iterator[Fault]:
        names = [stage.name for stage in self.stages]
        if len(set(names)) != len(names):
            yield Fault("recipe.stages", "A stage is named twice.")
        for stage in self.stages:
            if bad := list(_matches("recipe.stages.name", stage.name, _WORD)):
                yield from bad
                continue
            where = f"recipe.stages.{stage.name}"
            yield from _within(f"{where}.epochs", stage.epochs, 0.01, 1000.0)
            yield from _within(f"{where}.learning_rate", stage.learning_rate, 1e-8, 1.0)

    @property
    def phases(self) -> tuple[Stage, ...]:
        """What is trained one after another; a lone phase without a name holds all examples."""
        return self.stages or (Stage(name="", epochs=self.epochs, learning_rate=self.learning_rate),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """Where a job runs. processes: GPUs (or CPU processes) of one node. hostfile: a path on the machine that starts
    the job (place "hostfile"). peak_tflops: of one device, for MFU; 0: not known. memory_gb: of one device.

    Slurm and Kubernetes: the fields of their templates. They are rendered for review and submitted by a person.
    """

    place: str = "local"
    device: str = "cuda"
    processes: int = 1
    nodes: int = 1
    hostfile: str = ""
    peak_tflops: float = 0.0
    memory_gb: float = 0.0
    host_memory_gb: float = 0.0
    partition: str = ""
    account: str = ""
    time_limit: str = "24:00:00"
    namespace: str = "default"
    image: str = ""
    claim: str = ""
    claim_path: str = ""
    project_dir: str = ""
    venv: str = ""

    def __post_init__(self) -> None:
        _refuse(self._faults())

    def _faults(self) -> Iterator[Fault]:
        yield from _one_of("resources.place", self.place, PLACES)
        yield from _one_of("resources.device", self.device, DEVICES)
        for name, least, most in (
            ("processes", 1, 64),
            ("nodes", 1, 1024),
            ("peak_tflops", 0.0, 100_000.0),
            ("memory_gb", 0.0, 100_000.0),
            ("host_memory_gb", 0.0, 1_000_000.0),
        ):
            yield from _within(f"resources.{name}", getattr(self, name), least, most)
        for name, pattern in (
            ("partition", _WORD),
            ("account", _WORD),
            ("namespace", _WORD),
            ("claim", _WORD),
            ("image", _IMAGE),
            ("time_limit", _DURATION),
            ("hostfile", _PATH),
            ("claim_path", _PATH),
            ("project_dir", _PATH),
            ("venv", _PATH),
        ):
            if getattr(self, name):
                yield from _matches(f"resources.{name}", getattr(self, name), pattern)
        for name in NEEDED.get(self.place, ()):
            if not getattr(self, name):
                yield Fault(f"resources.{name}", f"{name} is needed for the place {self.place}.")
        if self.place == "local" and self.nodes != 1:
            yield Fault("resources.nodes", "Several nodes need a hostfile, Slurm or Kubernetes.")

    @property
    def world_size(self) -> int:
        return self.processes * self.nodes

    @property
    def is_started_here(self) -> bool:
        """Else the job's files are written for review, and it begins when somebody submits them."""
        return self.place in ("local", "hostfile")


# Fields that a place cannot do without.
NEEDED: Mapping[str, tuple[str, ...]] = {
    "local": (),
    "hostfile": ("hostfile",),
    "slurm": ("partition", "project_dir", "venv"),
    "kubernetes": ("image", "claim", "claim_path", "project_dir"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFile:
    """run.json: all that the trainer is told. `token` marks the job's processes. `attempt` counts its beginnings."""

    job: int
    token: str
    attempt: int
    name: str
    base: str
    train: str
    validation: str = ""
    method: str = "full"
    recipe: Recipe = field(default_factory=Recipe)
    resources: Resources = field(default_factory=Resources)
    dataset: str = ""
    dataset_sha256: str = ""
    prompt_version: str = ""
    code_revision: str = ""

    def __post_init__(self) -> None:
        _refuse(_one_of("method", self.method, METHODS))
        if self.method == "lora" and self.recipe.stages:
            raise BadConfig("A curriculum trains all weights; an adapter has one stage.", "recipe.stages")


def from_dict(kind: type[Config], data: Mapping[str, Any], where: str = "") -> Config:
    """A dataclass of this module from JSON: no unknown field, each of its type. Raises BadConfig."""
    hints = get_type_hints(kind)
    unknown = sorted(set(data) - {one.name for one in fields(kind)})  # type: ignore[arg-type]  # all are dataclasses
    if unknown:
        raise BadConfig(f"unknown: {', '.join(unknown)}", f"{where}{unknown[0]}")
    return kind(**{name: _typed(hints[name], value, f"{where}{name}") for name, value in data.items()})


def to_dict(config: Recipe | Resources | JobFile) -> dict[str, Any]:
    return asdict(config)


def _typed(kind: Any, value: Any, where: str) -> Any:
    if kind in (Lora, Stage, Recipe, Resources):
        if not isinstance(value, Mapping):
            raise BadConfig(f"{where} must be an object.", where)
        return from_dict(kind, value, f"{where}.")
    if get_origin(kind) is tuple:
        if not isinstance(value, list | tuple):
            raise BadConfig(f"{where} must be a list.", where)
        return tuple(_typed(get_args(kind)[0], one, where) for one in value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    wanted = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    if type(value) not in wanted:
        raise BadConfig(f"{where} must be of the type {' or '.join(one.__name__ for one in wanted)}.", where)
    return value


def _refuse(found: Iterator[Fault]) -> None:
    faults = tuple(found)
    if faults:
        raise BadConfig(faults[0].message, faults[0].field, faults)


def _one_of(name: str, value: object, known: tuple[object, ...]) -> Iterator[Fault]:
    if value not in known:
        yield Fault(name, f"{name} is {value!r}; it must be one of {', '.join(map(str, known))}.")


def _within(name: str, value: float, least: float, most: float) -> Iterator[Fault]:
    if not least <= value <= most:
        yield Fault(name, f"{name} must be from {least:g} to {most:g}.")


def _matches(name: str, value: str, pattern: re.Pattern[str]) -> Iterator[Fault]:
    if not pattern.fullmatch(value) or ".." in value:
        yield Fault(name, f"{name} holds signs that it may not have.")
