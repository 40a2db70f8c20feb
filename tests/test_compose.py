"""compose.yaml, read as Docker would read it: what runs, who reaches whom, and what nobody may do."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

from coding_review.queues import PREDICTION_QUEUES

ROOT = Path(__file__).resolve().parent.parent
WORKERS = {
    "review": "predict",
    "inference": "inference.interactive,inference.batch",
    "modelops": "evaluate",
    "training": "train",
    "background": "celery",
}
APPLICATION = {*WORKERS, "web", "beat", "migrate"}
ALL = APPLICATION | {"proxy", "postgres", "valkey", "vllm"}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
    return found


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = compose["services"]
    return found


def option(service: dict[str, Any], name: str) -> str:
    command: list[str] = service["command"]
    return command[command.index(name) + 1]


def test_these_services_run_and_vllm_only_where_there_is_a_gpu(services: dict[str, Any]) -> None:
    assert set(services) == ALL
    assert {name for name, service in services.items() if "profiles" in service} == {"vllm"}
    assert services["vllm"]["profiles"] == ["gpu"]
    devices = services["vllm"]["deploy"]["resources"]["reservations"]["devices"]
    assert devices == [{"driver": "nvidia", "count": "all", "capabilities": ["gpu"]}]


def test_every_queue_of_the_product_has_a_worker(services: dict[str, Any]) -> None:
    assert {name: option(services[name], "--queues") for name in WORKERS} == WORKERS
    consumed = {queue for queues in WORKERS.values() for queue in queues.split(",")}
    routes = import_module("coding_review.settings").CELERY_TASK_ROUTES
    assert consumed == {*PREDICTION_QUEUES, "celery", *(route["queue"] for route in routes.values())}
    for name in (*WORKERS, "beat"):
        assert option(services[name], "--app") == "coding_review"
    # What takes minutes or hours shares no worker with what looks after trainings, and one comparison of large files
    # leaves it a process.
    assert routes["coding_review.tasks.evaluate"]["queue"] == "evaluate"
    for task in ("spawn_training", "reconcile_trainings", "compare_model_files", "look_at_model_files"):
        assert routes[f"coding_review.tasks.{task}"]["queue"] == "train"
    assert option(services["training"], "--concurrency") == "2"
    assert option(services["inference"], "--pool") == "threads"
    assert services["inference"]["environment"]["QUEUE_ORDER"] == "priority"
    assert "coding_review.wsgi" in (ROOT / "Dockerfile").read_text()


def test_images_are_pinned(services: dict[str, Any]) -> None:
    images = {service["image"] for service in services.values()}
    assert {image for image in images if ":" not in image} == {"coding-review"}
    assert all(re.search(r":v?\d+\.\d+\.\d+", image) for image in images if ":" in image)
    assert services["postgres"]["image"].startswith("pgvector/pgvector:")


def test_only_the_proxy_is_reached_from_outside(compose: dict[str, Any], services: dict[str, Any]) -> None:
    assert {name for name, service in services.items() if "ports" in service} == {"proxy"}
    assert {name: (facts or {}).get("internal", False) for name, facts in compose["networks"].items()} == {
        "front": False,
        "data": True,
        "model": True,
    }
    reach = {name: set(service["networks"]) for name, service in services.items()}
    assert {name for name, networks in reach.items() if "front" in networks} == {"proxy", "web"}
    # The model's server, and its address for adapters, are reached by the workers that ask it and by nobody else.
    assert {name for name, networks in reach.items() if "model" in networks} == {
        "inference", "modelops", "vllm",
    }  # fmt: skip
    assert reach["vllm"] == {"model"}
    assert reach["proxy"] == {"front"}


def test_nobody_is_root_or_writes_to_its_image(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert "privileged" not in service
        if name in APPLICATION:
            assert service["image"] == "coding-review"
        else:
            assert service["user"] not in ("root", "0", "0:0"), name
    user = re.findall(r"^USER (\S+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert user == ["coding-review"]


def test_every_service_has_limits_and_says_whether_it_is_well(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory"}, name
    assert {name for name, service in services.items() if "healthcheck" not in service} == {"migrate"}
    for name in WORKERS:
        test = service_health(services[name])
        assert f"--destination {name}@$$HOSTNAME" in test
        assert option(services[name], "--hostname") == f"{name}@%h"


def service_health(service: dict[str, Any]) -> str:
    found: list[str] = service["healthcheck"]["test"]
    return " ".join(found)


def test_secrets_are_files_and_nothing_else_holds_one(
    compose: dict[str, Any], services: dict[str, Any]
) -> None:
    files = {name: facts["file"] for name, facts in compose["secrets"].items()}
    assert set(files) == {
        "postgres_password", "valkey_password", "secret_key", "llm_api_key", "tls_certificate", "tls_key",
    }  # fmt: skip
    assert all(path.startswith("./secrets/") for path in files.values())
    assert "/secrets/" in (ROOT / ".gitignore").read_text().splitlines()
    assert "secrets" in (ROOT / ".dockerignore").read_text().splitlines()
    for name, service in services.items():
        used = set(re.findall(r"/run/secrets/(\w+)", yaml.safe_dump(service)))
        assert used <= set(service.get("secrets", [])), name
        for key, value in service.get("environment", {}).items():
            assert not re.search(r"PASSWORD|SECRET|TOKEN|API_KEY", key) or value.startswith(
                "/run/secrets/"
            ), key
    used = set(re.findall(r"/run/secrets/(\w+)", (ROOT / "deploy" / "Caddyfile").read_text()))
    assert used == set(services["proxy"]["secrets"])
    without_default = re.findall(r"\$\{(\w+)\}", (ROOT / "compose.yaml").read_text())
    assert without_default == []


def test_only_settings_that_there_are_are_set(services: dict[str, Any]) -> None:
    settings = (ROOT / "coding_review" / "settings.py").read_text()
    known = set(re.findall(r'env\.\w+\(\s*f?"([A-Z_]+)"', settings))
    known |= {f"{name}_FILE" for name in re.findall(r'_secret\("([A-Z_]+)"\)', settings)}
    known |= set(re.findall(r'env\.db_url\("([A-Z_]+)"', settings))
    for name in APPLICATION:
        assert set(services[name]["environment"]) - known == set(), name


def test_trainings_find_their_folders_at_the_same_places_everywhere(
    compose: dict[str, Any], services: dict[str, Any]
) -> None:
    """The web server plans, the worker trains, the model's server loads what came of it: by the same paths."""
    mounts = {
        name: dict(reversed(volume.split(":", 1)) for volume in service.get("volumes", ()))
        for name, service in services.items()
    }
    shared = {
        "/evaluations": "evaluations", "/datasets": "datasets", "/training": "training",
        "/models:ro": "./models",
    }  # fmt: skip
    trainers = {"modelops", "training"}
    for name in APPLICATION:
        assert mounts[name] == shared | ({"/environment:ro": "environment"} if name in trainers else {}), name
        told = services[name]["environment"]
        assert (told["TRAINING_DIR"], told["DATASETS_DIR"]) == ("/training", "/datasets"), name
        assert told["TRAINING_BASE_DIRS"] == "/models", name
    assert mounts["vllm"] == {"/models:ro": "./models", "/training:ro": "training"}
    assert {name for name in ALL if "TRAINING_VENV" in services[name].get("environment", {})} == trainers
    for name in trainers:
        assert services[name]["environment"]["TRAINING_VENV"].startswith("/environment/")
    # What an image owns, a named volume is made with: its writer is not root.
    made = re.search(
        r"install --directory --owner coding-review (.+?) \\\n", (ROOT / "Dockerfile").read_text()
    )
    assert made is not None
    assert set(made[1].split()) == {"/evaluations", "/datasets", "/training", "/environment"}
    assert {"evaluations", "datasets", "training", "environment"} < set(compose["volumes"])


def test_passwords_come_from_files_into_the_addresses(tmp_path: Path) -> None:
    """In a process of its own: the settings are read once."""
    (tmp_path / "postgres").write_text("p@ss:word/1\n")
    (tmp_path / "valkey").write_text("v@l:key/2\n")
    said = subprocess.run(
        [
            sys.executable,
            "-c",
            "from coding_review import settings as s; d = s.DATABASES['default'];"
            "print(d['USER'], d['HOST'], d['PORT'], d['PASSWORD']); print(s.REDIS_URL); print(s.CELERY_BROKER_URL)",
        ],
        cwd=ROOT,
        env={
            "DATABASE_URL": "postgres://coding_review@postgres:5432/coding_review",
            "DATABASE_PASSWORD_FILE": str(tmp_path / "postgres"),
            "REDIS_URL": "redis://valkey:6379/0",
            "REDIS_PASSWORD_FILE": str(tmp_path / "valkey"),
        },
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    redis = "redis://:v%40l%3Akey%2F2@valkey:6379/0"
    assert said == ["coding_review postgres 5432 p@ss:word/1", redis, redis]


def test_the_model_server_is_held_to_the_schema_and_logs_no_prompts(services: dict[str, Any]) -> None:
    (command,) = services["vllm"]["command"]
    assert '--structured-outputs-config \'{"backend":"guidance","disable_any_whitespace":true}\'' in command
    assert "--no-enable-log-requests" in command
    assert "VLLM_API_KEY" in command
    assert services["vllm"]["environment"]["HF_HUB_OFFLINE"] == "1"
