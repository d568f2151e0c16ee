"""A copy of what skaffold builds and deploys, with a namespace of this run in its overlays."""

import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PARTS = ("functions", "mcp_service", "requirements", "images", "knative")
OPERATORS_FILES = ("service", "functions", "database", "readings", "redis", "mail")


def copied(folder: Path, namespace: str) -> Path:
    """The folder, which then holds the copy. Skips loudly where there is no skaffold."""
    if not shutil.which("skaffold") or not os.environ.get("DOCKER_HOST"):
        pytest.skip("THE SKAFFOLD TESTS DID NOT RUN: they need skaffold and DOCKER_HOST")
    for part in PARTS:
        without = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / part, folder / part, ignore=without, dirs_exist_ok=True)
    for file in ("skaffold.yaml", ".dockerignore"):
        shutil.copy(ROOT / file, folder)
    for file in [folder / "skaffold.yaml", *(folder / "knative").rglob("kustomization.yaml")]:
        file.write_text(in_namespace(file.read_text(), namespace))
    return folder


def in_namespace(text: str, namespace: str) -> str:
    for place in ("namespace: {}", "/{}/default", "poll.{}.svc"):
        text = text.replace(place.format("claude-monitor"), place.format(namespace))
    return text


def operators_secrets(tree: Path) -> None:
    """The files that the production overlay wants of its operator."""
    for name in OPERATORS_FILES:
        file = tree / "knative/overlays/production/secrets" / f"{name}.env"
        file.write_text(f"CLAUDE_MONITOR_OF_{name.upper()}=the operator's\n")
