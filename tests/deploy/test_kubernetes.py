"""The manifests of deploy/kubernetes; `make check` validates their shapes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from voting_service.commands.serve import GRACEFUL_SECONDS
from voting_service.settings import PREFIX, Settings

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "kubernetes"
WORKLOADS = ("Deployment", "Job")


def manifests() -> list[dict[str, Any]]:
    """Every manifest that the kustomizations name."""
    result: list[dict[str, Any]] = []
    for kustomization in sorted(FOLDER.glob("*/kustomization.yaml")):
        named = yaml.safe_load(kustomization.read_text(encoding="utf-8"))["resources"]
        there = {path.name for path in kustomization.parent.glob("*.yaml")}
        assert {*named, kustomization.name} == there, kustomization
        for name in named:
            text = (kustomization.parent / name).read_text(encoding="utf-8")
            result += yaml.safe_load_all(text)
    return result


MANIFESTS = manifests()
PODS = {
    manifest["metadata"]["name"]: manifest["spec"]["template"]["spec"]
    for manifest in MANIFESTS
    if manifest["kind"] in WORKLOADS
}


def named(kind: str) -> dict[str, dict[str, Any]]:
    return {m["metadata"]["name"]: m for m in MANIFESTS if m["kind"] == kind}


def test_every_process_is_there() -> None:
    assert set(PODS) == {"serve", "console", "work", "migrate"}
    assert set(named("PodDisruptionBudget")) == {"serve", "console", "work"}


def test_settings_are_settings_and_secrets_only_referred_to() -> None:
    assert "Secret" not in {manifest["kind"] for manifest in MANIFESTS}
    settings = {PREFIX + name.upper() for name in Settings.model_fields}
    [shown] = named("ConfigMap").values()
    assert set(shown["data"]) <= settings
    secret = re.compile(r"KEYS?$|PASSPHRASE|SECRET|TOKEN|DATABASE_URL|VALKEY_URL|WEBHOOK|SMTP_URL")
    assert [name for name in shown["data"] if secret.search(name)] == []


@pytest.mark.parametrize("name", sorted(PODS))
def test_every_image_has_a_digest_and_every_pod_its_bounds(name: str) -> None:
    replaced = {
        image["name"]: image["digest"]
        for kustomization in FOLDER.glob("*/kustomization.yaml")
        for image in yaml.safe_load(kustomization.read_text(encoding="utf-8"))["images"]
    }
    pod = PODS[name]
    [container] = pod["containers"]
    assert re.fullmatch("sha256:[0-9a-f]{64}", replaced[container["image"]])
    assert container["resources"]["limits"]["memory"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


@pytest.mark.parametrize("name", ["serve", "console"])
def test_a_pod_that_goes_has_time_for_what_it_has_in_hand(name: str) -> None:
    pod = PODS[name]
    [container] = pod["containers"]
    pause = int(container["lifecycle"]["preStop"]["exec"]["command"][1])
    assert pod["terminationGracePeriodSeconds"] > pause + GRACEFUL_SECONDS
    assert {"startupProbe", "readinessProbe", "livenessProbe"} <= container.keys()
    assert named("Deployment")[name]["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_a_process_has_its_own_login_and_no_other() -> None:
    sources = {
        name: {
            source["secretRef"]["name"]
            for source in pod["containers"][0]["envFrom"]
            if "secretRef" in source
        }
        for name, pod in PODS.items()
    }
    logins = {f"voting-{name}" for name in ("serve", "console", "work", "owner")}
    for name in ("serve", "console", "work"):
        assert sources[name] & logins == {f"voting-{name}"}
        assert "voting-keys" in sources[name]
    assert sources["migrate"] == {"voting-owner"}
    assert "voting-personal-keys" not in sources["serve"]


def test_nothing_is_let_through_that_is_not_named() -> None:
    policies = named("NetworkPolicy")
    assert policies["nothing-else"]["spec"] == {
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
    }
    [from_proxy] = policies["sites"]["spec"]["ingress"]
    assert from_proxy["ports"] == [{"port": "http"}], "the metrics are not for the proxy"
