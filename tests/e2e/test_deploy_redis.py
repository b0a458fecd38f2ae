"""deploy/: what cannot run here is held to the schemas of those who run it."""

import re
import subprocess

import kubernetes_validate
import pytest
import yaml

from harness import EXAMPLES, ROOT, SLUICECTL, SLUICED, Program, free_port, sluicectl, wait_until
from redis_servers import run_redis_cli

COMPOSE = EXAMPLES / "redis" / "compose.yaml"
CLUSTER = EXAMPLES / "redis-cluster"
DOCKERFILE = (ROOT / "deploy" / "container" / "Dockerfile").read_text()
# Of the versions that its makers still maintain, the oldest and the newest that we know.
KUBERNETES = ("1.35", "1.37")


def manifests():
    return [
        resource
        for path in sorted(CLUSTER.glob("*.yaml"))
        for resource in yaml.safe_load_all(path.read_text())
    ]


def manifest(kind, name):
    (found,) = [
        resource
        for resource in manifests()
        if resource["kind"] == kind and resource["metadata"]["name"] == name
    ]
    return found


def pod_of(resource):
    return resource["spec"]["template"]["spec"]


def check_compose(path):
    command = [ROOT / "build" / "venv" / "bin" / "check-jsonschema"]
    ran = subprocess.run(
        [*map(str, command), "--builtin-schema", "vendor.compose-spec", str(path)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    return ran.returncode, ran.stdout + ran.stderr


def test_the_compose_file_is_one(tmp_path):
    code, said = check_compose(COMPOSE)
    assert code == 0, said
    # And the check bites.
    wrong = tmp_path / "compose.yaml"
    wrong.write_text(COMPOSE.read_text().replace("restart:", "restarts:"))
    assert check_compose(wrong)[0] != 0


def test_the_compose_file_mounts_what_there_is():
    services = yaml.safe_load(COMPOSE.read_text())["services"]
    assert sorted(services) == ["redis", "sluice-1", "sluice-2"]
    for name in ("sluice-1", "sluice-2"):
        source, target, _ = services[name]["volumes"][0].split(":")
        assert (COMPOSE.parent / source).is_file()
        assert services[name]["command"] == ["--config", target]
        build = services[name]["build"]
        assert (COMPOSE.parent / build["context"]).resolve() == ROOT
        assert (ROOT / build["dockerfile"]).is_file()
    policy = yaml.safe_load((COMPOSE.parent / "sluice.yaml").read_text())
    assert policy["backends"]["shared"]["addresses"] == ["redis:6379"]


@pytest.mark.parametrize("version", KUBERNETES)
def test_the_manifests_are_manifests(version):
    assert len(manifests()) == 10
    for resource in manifests():
        kubernetes_validate.validate(resource, version, strict=True)
    wrong = manifest("Deployment", "sluice")
    wrong["spec"]["replica"] = 3
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, version, strict=True)


def test_the_manifests_fit_together():
    """Selectors find their pods, ports and volumes are there."""
    workloads = [r for r in manifests() if r["kind"] in ("Deployment", "StatefulSet", "Job")]
    config_maps = {r["metadata"]["name"]: r for r in manifests() if r["kind"] == "ConfigMap"}
    for resource in workloads:
        pod = pod_of(resource)
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        claims = {c["metadata"]["name"] for c in resource["spec"].get("volumeClaimTemplates", [])}
        for container in pod["containers"]:
            for mount in container["volumeMounts"]:
                assert mount["name"] in volumes.keys() | claims
            assert container["securityContext"]["readOnlyRootFilesystem"]
        for volume in volumes.values():
            assert volume.get("configMap", {}).get("name", "redis-cluster") in config_maps
            assert volume.get("secret", {}).get("secretName", "sluice-redis") == "sluice-redis"
        assert pod["securityContext"]["runAsNonRoot"]
    pods = {
        r["metadata"]["name"]: r["spec"]["template"] for r in workloads if r["kind"] != "Job"
    }
    for service in (r for r in manifests() if r["kind"] == "Service"):
        app = service["spec"]["selector"]["app.kubernetes.io/name"]
        assert pods[app]["metadata"]["labels"] == service["spec"]["selector"]
        named = {port["name"] for c in pods[app]["spec"]["containers"] for port in c["ports"]}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= named


def test_the_pods_go_in_good_order():
    """Kubernetes waits longer than sluiced drains, which is longer than a probe takes."""
    pod = pod_of(manifest("Deployment", "sluice"))
    (container,) = pod["containers"]
    server = yaml.safe_load(policy_of_the_cluster())["server"]
    seconds = {key: int(server[key].removesuffix("s")) for key in ("drain_delay", "drain_grace")}
    readiness = container["readinessProbe"]
    assert pod["terminationGracePeriodSeconds"] > sum(seconds.values())
    assert seconds["drain_delay"] > readiness["periodSeconds"] * readiness.get("failureThreshold", 3)
    assert readiness["httpGet"]["path"] == "/readyz"
    assert container["livenessProbe"]["httpGet"]["path"] == "/livez"
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert server["grpc"]["address"].endswith(f":{ports['grpc']}")


def policy_of_the_cluster():
    return manifest("ConfigMap", "sluice")["data"]["sluice.yaml"]


def test_the_policies_are_valid(tmp_path):
    cluster = tmp_path / "cluster.yaml"
    cluster.write_text(policy_of_the_cluster())
    for path in (EXAMPLES / "redis" / "sluice.yaml", cluster):
        checked = sluicectl("validate", path)
        assert checked.returncode == 0, checked.stdout + checked.stderr
        assert checked.stdout == f"{path}: ok, 2 throttles, 0 domains\n"


def test_redis_takes_its_configuration(tmp_path, cleanup, monkeypatch):
    """start.sh of the ConfigMap starts a real Redis, with the password of the secret."""
    data = manifest("ConfigMap", "redis-cluster")["data"]
    port, bus = free_port(), free_port()
    for folder in ("redis", "redis-password", "data", "tmp"):
        (tmp_path / folder).mkdir()
    (tmp_path / "redis-password" / "password").write_text("secret")
    config = data["redis.conf"].replace("/data/", f"{tmp_path}/data/")
    (tmp_path / "redis" / "redis.conf").write_text(
        f"{config}\nbind 127.0.0.1\nport {port}\ncluster-port {bus}\n"
    )
    script = tmp_path / "redis" / "start.sh"
    script.write_text(
        data["start.sh"].replace("/tmp/", f"{tmp_path}/tmp/").replace("/etc/", f"{tmp_path}/")
    )
    monkeypatch.setenv("POD_IP", "127.0.0.1")
    redis = Program("redis", ["sh", script], tmp_path)
    cleanup.append(redis)
    ask = ("-p", port, "--no-auth-warning", "-a", "secret")
    wait_until(lambda: run_redis_cli(*ask, "PING") == "PONG", "redis answers")
    assert "cluster_enabled:1" in run_redis_cli(*ask, "INFO", "cluster")
    assert "NOAUTH" in run_redis_cli("-p", port, "PING")
    assert (tmp_path / "tmp" / "redis.conf").stat().st_mode & 0o077 == 0


def test_the_image_has_what_the_programs_link():
    """Each library that they name is in a package that the Dockerfile installs."""
    runtime = DOCKERFILE.partition("FROM debian:12-slim")[2]
    installed = set(re.findall(r"[a-z0-9.+-]+", runtime)) | {"libc6", "libgcc-s1", "libstdc++6"}
    for program in (SLUICED, SLUICECTL):
        needed = re.findall(r"NEEDED +(\S+)", run("objdump", "-p", program))
        places = dict(re.findall(r"(\S+) => (\S+)", run("ldd", program)))
        for library in needed:
            if library not in places:  # the loader itself
                continue
            # dpkg knows a library by its place before /usr was merged, or after; 32-bit ones, too.
            name = places[library].rpartition("/")[2]
            owners = set(re.findall(r"^([^:]+):", run("dpkg", "-S", f"*/{name}"), re.MULTILINE))
            assert owners & installed, f"{program.name} needs {library}, of {owners}"
    assert re.search(r"^USER [1-9]", runtime, re.MULTILINE), "it runs as root"


def run(*command):
    ran = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, timeout=60, check=True
    )
    return ran.stdout
