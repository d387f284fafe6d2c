"""What operators apply is whole, and what is broken in it is found."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deploy.check import kubectl, manifests
from deploy.check.__main__ import check
from deploy.check.objects import COMPONENT
from deploy.check.rendering import CannotRender, Manifest, render
from deploy.check.tests.checkout import copied

DEPLOY = Path(__file__).parents[2]
OVERLAYS = DEPLOY / "kubernetes" / "overlays"
SECRETS = {
    "marquee": frozenset(
        {
            "database_url",
            "amqp_url",
            "secret_key",
            "audit_signing_key",
            "s3_access_key",
            "s3_secret_key",
            "admin_password",
        }
    ),
    "marquee-migrate": frozenset({"database_admin_url"}),
}

Objects = dict[str, Any]


@pytest.fixture(scope="module")
def production() -> list[Manifest]:
    return render(OVERLAYS / "production")


@pytest.mark.parametrize("overlay", ["production", "small"])
def test_every_overlay_holds(overlay: str) -> None:
    assert not list(manifests.of_overlay(overlay, render(OVERLAYS / overlay), SECRETS))


def pod(objects: Objects, name: str) -> Any:
    return objects[f"Deployment {name}"]["spec"]["template"]["spec"]


def container(objects: Objects, name: str) -> Any:
    return pod(objects, name)["containers"][0]


def job(objects: Objects) -> Any:
    return objects["Job migrate"]["spec"]["template"]["spec"]


def trigger(objects: Objects) -> Any:
    return objects["ScaledObject converter-worker"]["spec"]["triggers"][0]["metadata"]


def rules(objects: Objects) -> Any:
    return objects["HTTPRoute marquee"]["spec"]["rules"]


def egress(objects: Objects, policy: str) -> Any:
    return objects[f"NetworkPolicy {policy}"]["spec"]["egress"][0]


BROKEN: dict[str, tuple[Callable[[Objects], Any], str]] = {
    "a field that Kubernetes does not know": (
        lambda o: container(o, "audit").update(imagePullPolice="Always"),
        "imagePullPolice",
    ),
    "a wrong type": (lambda o: pod(o, "audit").update(containers="audit"), "'audit' is not of"),
    "a kind that no schema is there for": (
        lambda o: o["HTTPRoute marquee"].update(kind="HttpRoute"),
        "has no gateway.networking.k8s.io/v1 HttpRoute",
    ),
    "a field that KEDA does not know": (
        lambda o: trigger(o).update(queueLength="2"),
        "queueLength",
    ),
    "a route without a backend": (
        lambda o: o["HTTPRoute marquee"]["spec"]["rules"][0].pop("backendRefs"),
        "'backendRefs' is a required property",
    ),
    "service links": (
        lambda o: pod(o, "gateway").pop("enableServiceLinks"),
        "enableServiceLinks is not false",
    ),
    "a token of the cluster": (
        lambda o: pod(o, "gateway").update(automountServiceAccountToken=True),
        "is given a token",
    ),
    "root": (
        lambda o: pod(o, "gateway")["securityContext"].update(runAsUser=0),
        "does not run as a user of its own",
    ),
    "no seccomp profile": (
        lambda o: job(o)["securityContext"].pop("seccompProfile"),
        "has no seccomp profile",
    ),
    "the network of its node": (lambda o: job(o).update(hostNetwork=True), "has hostNetwork"),
    "a directory of its node": (
        lambda o: job(o)["volumes"].append({"name": "node", "hostPath": {"path": "/"}}),
        "mounts node of its node",
    ),
    "scratch space without a limit": (
        lambda o: pod(o, "converter")["volumes"][1].update(emptyDir={}),
        "may fill the disk",
    ),
    "privileges to gain": (
        lambda o: container(o, "converter")["securityContext"].pop("allowPrivilegeEscalation"),
        "may gain privileges",
    ),
    "a root file system that can be written": (
        lambda o: container(o, "converter")["securityContext"].update(readOnlyRootFilesystem=False),
        "its root file system is not read-only",
    ),
    "capabilities": (
        lambda o: container(o, "notifier")["securityContext"].update(capabilities={}),
        "keeps capabilities",
    ),
    "an image of any version": (
        lambda o: container(o, "notifier").update(image="registry.example.com:5000/marquee"),
        "may be any version",
    ),
    "no request": (
        lambda o: container(o, "notifier")["resources"]["requests"].pop("cpu"),
        "does not say how much cpu",
    ),
    "no limit of memory": (
        lambda o: container(o, "notifier")["resources"].pop("limits"),
        "may take all memory",
    ),
    "a limit of CPU": (
        lambda o: container(o, "notifier")["resources"]["limits"].update(cpu="1"),
        "is throttled",
    ),
    "readiness that asks whether it lives": (
        lambda o: container(o, "identity")["readinessProbe"]["httpGet"].update(path="/livez"),
        "readinessProbe does not ask /readyz",
    ),
    "no pause before it is stopped": (
        lambda o: container(o, "identity").pop("lifecycle"),
        "is stopped while",
    ),
    "an update that takes all down": (
        lambda o: o["Deployment identity"]["spec"]["strategy"]["rollingUpdate"].update(
            maxUnavailable=1
        ),
        "is taken down before",
    ),
    "pods that spread by labels they lack": (
        lambda o: o["Deployment audit"]["spec"]["template"]["metadata"]["labels"].pop(
            "app.kubernetes.io/part-of"
        ),
        "are not spread by kubernetes.io/hostname",
    ),
    "no time for a conversion to end": (
        lambda o: pod(o, "converter-worker").update(terminationGracePeriodSeconds=30),
        "has 30 s to end, and may need 600",
    ),
    "an object of no namespace": (
        lambda o: o["ScaledObject converter-worker"]["metadata"].pop("namespace"),
        "whatever namespace",
    ),
    "a service for nobody": (
        lambda o: o["Service audit"]["spec"]["selector"].update(
            {"app.kubernetes.io/component": "trail"}
        ),
        "is for 0 deployments",
    ),
    "a port that nobody has": (
        lambda o: o["Service audit"]["spec"]["ports"][0].update(targetPort="web"),
        "nobody has a port web",
    ),
    "a service that is not scraped": (
        lambda o: o["Service audit"]["metadata"]["labels"].pop("app.kubernetes.io/part-of"),
        "does not scrape audit",
    ),
    "a scaler of nothing": (
        lambda o: o["HorizontalPodAutoscaler gateway"]["spec"]["scaleTargetRef"].update(
            name="door"
        ),
        "there is no Deployment door",
    ),
    "two that say how many": (
        lambda o: o["Deployment converter-worker"]["spec"].update(replicas=2),
        "sets its replicas back",
    ),
    "a count of what waits alone": (
        lambda o: trigger(o).update(protocol="amqp"),
        "takes away workers at work",
    ),
    "a queue that is not there": (
        lambda o: trigger(o).update(queueName="tickets"),
        "there is no queue tickets",
    ),
    "a ticket that is not there": (
        lambda o: o["TriggerAuthentication broker"]["metadata"].update(name="bus"),
        "its TriggerAuthentication is not there",
    ),
    "a route past the gateway": (
        lambda o: rules(o)[1]["backendRefs"][0].update(name="identity"),
        "leads Prefix / to identity",
    ),
    "a route to nobody": (
        lambda o: rules(o)[1]["backendRefs"][0].update(name="web"),
        "leads to web, which is not there",
    ),
    "sockets by way of the gateway": (
        lambda o: rules(o).pop(0),
        "leads Exact /ws nowhere, not to notifier",
    ),
    "more than sockets to the notifier": (
        lambda o: rules(o)[0]["matches"][0]["path"].update(type="PathPrefix"),
        "leads Prefix /ws to notifier",
    ),
    "all to the notifier": (
        lambda o: rules(o)[0].pop("matches"),
        "leads Prefix / to notifier",
    ),
    "no disruption budget": (
        lambda o: o["PodDisruptionBudget audit"]["spec"]["selector"]["matchLabels"].update(
            {"app.kubernetes.io/component": "trail"}
        ),
        "has 0 PodDisruptionBudgets",
    ),
    "a mount of nothing": (
        lambda o: container(o, "audit")["volumeMounts"].append(
            {"name": "more", "mountPath": "/more"}
        ),
        "mounts more, which is not there",
    ),
    "a secret that nobody is told to make": (
        lambda o: pod(o, "audit")["volumes"][0]["secret"].update(secretName="keys"),
        "of which secret.example.yaml says nothing",
    ),
    "a setting that is none": (
        lambda o: o["ConfigMap marquee"]["data"].update(MARQUEE_S3_BUKET="films"),
        "MARQUEE_S3_BUKET is no setting",
    ),
    "a setting of one service that is none": (
        lambda o: container(o, "identity")["env"].append({"name": "MARQUEE_PROXIES", "value": "x"}),
        "MARQUEE_PROXIES is no setting",
    ),
    "a key that the secret lacks": (
        lambda o: o["ConfigMap marquee"]["data"].update(
            MARQUEE_SECRET_KEY_FILE="/run/secrets/marquee/root"
        ),
        "which is in no Secret",
    ),
    "nothing denied": (
        lambda o: o["NetworkPolicy default-deny"]["spec"].update(policyTypes=["Ingress"]),
        "none denies everything",
    ),
    "the whole world": (
        lambda o: egress(o, "reach-the-broker-and-the-store").pop("to"),
        "leads to the whole world",
    ),
    "a network of the world": (
        lambda o: egress(o, "reach-the-database")["to"].append({"ipBlock": {"cidr": "0.0.0.0/0"}}),
        "leads to 0.0.0.0/0",
    ),
    "any port": (lambda o: egress(o, "reach-the-database").pop("ports"), "leads to any port"),
    "a port that a worker does not need": (
        lambda o: egress(o, "reach-the-database")["ports"].append({"protocol": "TCP", "port": 22}),
        "reaches the ports [22,",
    ),
    "a notifier that asks more than it need": (
        lambda o: egress(o, "notifier-asks-identity")["to"].append({"podSelector": {}}),
        "notifier: may ask ['assignment', ",
    ),
    "a notifier that cannot ask who is there": (
        lambda o: egress(o, "notifier-asks-identity")["to"][0]["podSelector"].update(
            matchLabels={"app.kubernetes.io/component": "nobody"}
        ),
        "notifier: may ask [], not ['identity']",
    ),
    "an identity that does not answer the notifier": (
        lambda o: o["NetworkPolicy identity-answers-the-notifier"]["spec"].update(ingress=[]),
        "identity: answers ['gateway'], not ['gateway', 'notifier']",
    ),
    "a notifier that nobody gets at": (
        lambda o: o["NetworkPolicy the-world-comes-in"]["spec"]["podSelector"].update(
            matchExpressions=[{"key": COMPONENT, "operator": "In", "values": ["gateway"]}]
        ),
        "notifier: the world may not ask it",
    ),
    "a service open to the world": (
        lambda o: o["NetworkPolicy the-world-comes-in"]["spec"].update(podSelector={}),
        "audit: the world may ask it",
    ),
    "anybody asks the services": (
        lambda o: o["NetworkPolicy services-answer-the-gateway"]["spec"].update(ingress=[{}]),
        "anybody may ask it",
    ),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_what_is_broken_is_found(production: list[Manifest], fault: str) -> None:
    break_it, complaint = BROKEN[fault]
    broken = copy.deepcopy(production)
    break_it({f"{each['kind']} {each['metadata']['name']}": each for each in broken})
    told = [str(finding) for finding in manifests.of_overlay("production", broken, SECRETS)]
    assert any(complaint in each for each in told), told


def test_an_ingress_leads_sockets_to_the_notifier_too() -> None:
    small = render(OVERLAYS / "small")
    (ingress,) = (each for each in small if each["kind"] == "Ingress")
    ingress["spec"]["rules"][0]["http"]["paths"].pop(0)
    told = [str(finding) for finding in manifests.of_overlay("small", small, SECRETS)]
    assert told == ["small: Ingress marquee: leads Exact /ws nowhere, not to notifier"]


def test_the_command_passes_what_is_there(tmp_path: Path) -> None:
    assert check(copied(tmp_path)) == 0


FILES = {
    "base/audit.yaml": ("args: [audit]", "arg: [audit]", "'arg' was unexpected"),
    "base/notifier.yaml": ("kind: Deployment", "kind: Deploy", "has no apps/v1 Deploy"),
    "base/identity.yaml": ("spec:\n", "spec:\nspec:\n", "there twice"),
    "base/every-deployment.yaml": ("op: add", "op: move", "cannot move"),
    "components/keda/scaled-object.yaml": ('value: "2"', "value: 2", "2 is not of"),
    "overlays/small/kustomization.yaml": ("../../base", "../base", "is not there"),
}


@pytest.mark.parametrize("file", FILES)
def test_the_command_fails_for_a_broken_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], file: str
) -> None:
    there, instead, complaint = FILES[file]
    path = copied(tmp_path) / "deploy" / "kubernetes" / file
    text = path.read_text()
    assert there in text
    path.write_text(text.replace(there, instead, 1))

    assert check(tmp_path) == 1
    assert complaint in capsys.readouterr().err


def test_what_is_not_understood_is_refused(tmp_path: Path) -> None:
    (tmp_path / "kustomization.yaml").write_text("kind: Kustomization\nnamePrefix: our-\n")
    with pytest.raises(CannotRender, match="does not understand namePrefix"):
        render(tmp_path)


if kubectl.program() is not None:

    @pytest.mark.parametrize("overlay", ["production", "small"])
    def test_kubectl_renders_the_same(overlay: str) -> None:
        program = kubectl.program()
        assert program is not None
        ours = render(OVERLAYS / overlay)
        assert not list(kubectl.differences(program, OVERLAYS / overlay, ours))
        ours[1]["metadata"]["name"] = "another"
        assert list(kubectl.differences(program, OVERLAYS / overlay, ours))
