"""What deploy/ holds fits the product and itself: units, containers, proxy, settings."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from app.config import BadConfiguration, Settings, from_environment
from tests.operations import commands, deployed
from tests.operations.deployed import DEPLOY, EXAMPLES, NGINX
from tests.peers import ROOT, program

HARDENED = {
    "NoNewPrivileges": "yes", "ProtectSystem": "strict", "ProtectHome": "yes", "PrivateTmp": "yes", "PrivateDevices": "yes", "CapabilityBoundingSet": "",
    "StateDirectory": "mall", "StateDirectoryMode": "0700", "UMask": "0077", "EnvironmentFile": "/etc/mall/mall.env", "Restart": "on-failure", "User": "mall",
}  # fmt: skip
OURS = {"web", "worker"}
FIELDS = {f"MALL_{name.upper()}" for name in Settings.__annotations__}
SECRETS = {"MALL_SECRET_KEY", "MALL_PAYMENT_WEBHOOK_SECRETS", "POSTGRES_PASSWORD", "MEILI_MASTER_KEY"}
EVERYTHING = [path for path in DEPLOY.rglob("*") if path.is_file() and "tls" not in path.parts and path.name != ".env"]


@pytest.fixture(scope="module")
def filled() -> dict[str, dict[str, str]]:
    """The examples as new-env.sh fills them."""
    made = {}
    for name, example in EXAMPLES.items():
        done = subprocess.run([DEPLOY / "new-env.sh", example], capture_output=True, text=True, check=True)
        lines = [line for line in done.stdout.splitlines() if line and not line.startswith("#")]
        made[name] = dict(line.split("=", 1) for line in lines)
    return made


# ---------------------------------------------------------------- systemd


@pytest.mark.parametrize("name", ["web", "worker"])
def test_a_unit_gives_up_every_right_it_does_not_need(name):
    service = deployed.unit(name)["Service"]
    assert {key: service.get(key) for key in HARDENED} == HARDENED


@pytest.mark.parametrize("name", ["web", "worker"])
def test_a_unit_starts_a_command_that_exists_after_the_database(name):
    unit = deployed.unit(name)
    words = commands.of_the_mall(commands.words_of(unit["Service"]["ExecStart"]))
    assert words is not None and commands.check(words).name == name
    assert "postgresql.service" in unit["Unit"]["After"].split() and unit["Install"]["WantedBy"] == "multi-user.target"
    assert unit["Service"]["ExecStart"].startswith(unit["Service"]["WorkingDirectory"] + "/.venv/bin/")


def test_only_the_worker_reads_the_key_that_signs_the_journal(filled):
    key = f"{filled['systemd']['MALL_DATA_DIR']}/journal.key"
    assert Settings(data_dir=Path(filled["systemd"]["MALL_DATA_DIR"])).journal_key_path == Path(key)
    assert deployed.unit("web")["Service"]["InaccessiblePaths"] == f"-{key}" and "InaccessiblePaths" not in deployed.unit("worker")["Service"]


@pytest.mark.skipif(program("systemd-analyze") is None, reason="systemd-analyze is not installed")
@pytest.mark.parametrize("name", ["web", "worker"])
def test_systemd_finds_no_fault_in_a_unit_and_calls_it_safe(name, tmp_path):
    copy = tmp_path / f"mall-{name}.service"
    copy.write_text(deployed.UNITS[name].read_text().replace("/opt/mall/.venv/bin/flask", sys.executable))
    analyze = ["systemd-analyze", "--no-pager", "--man=no"]
    verified = subprocess.run([*analyze, "verify", copy], capture_output=True, text=True, timeout=60)
    assert (verified.returncode, verified.stderr) == (0, "")
    rated = subprocess.run([*analyze, "security", "--offline=yes", "--threshold=20", copy], capture_output=True, text=True, timeout=60)
    assert rated.returncode == 0, rated.stdout[-400:] + rated.stderr


# ---------------------------------------------------------------- containers


def test_every_service_runs_a_pinned_image_or_our_own():
    services = deployed.compose()["services"]
    assert set(services) == {*OURS, "database", "search", "proxy"}
    from_file = re.findall(r"(?m)^FROM (\S+)", (DEPLOY / "Containerfile").read_text())
    for image in [*(service["image"] for service in services.values()), *from_file]:
        assert re.fullmatch(r"[a-z0-9./-]+:v?\d+\.\d+(\.\d+)?(-[a-z-]+)?", image), image
    version = re.search(r'(?m)^version = "(.+)"', (ROOT / "pyproject.toml").read_text())
    assert version and {services[name]["image"] for name in OURS} == {f"procurement-mall:{version[1]}"}


def test_only_the_proxy_is_reachable_from_outside_and_the_database_reaches_nobody():
    compose = deployed.compose()
    assert {name for name, service in compose["services"].items() if "ports" in service} == {"proxy"}
    assert compose["networks"]["inside"] == {"internal": True}
    assert {name: compose["services"][name]["networks"] for name in ("database", "search", "proxy")} == {
        "database": ["inside"], "search": ["inside"], "proxy": ["edge"],
    }  # fmt: skip
    assert not [name for name, service in compose["services"].items() if service.get("privileged") or "network_mode" in service]


@pytest.mark.parametrize("name", sorted(OURS))
def test_our_containers_start_a_command_that_exists_without_rights(name):
    service = deployed.compose()["services"][name]
    words = commands.of_the_mall(service["command"])
    assert words is not None and commands.check(words).name == name
    assert (service["read_only"], service["cap_drop"], service["security_opt"]) == (True, ["ALL"], ["no-new-privileges:true"])
    assert service["depends_on"] == {"database": {"condition": "service_healthy"}, "search": {"condition": "service_healthy"}}
    text = (DEPLOY / "Containerfile").read_text()
    assert service["build"]["dockerfile"] == "deploy/Containerfile" and "USER mall" in text and "--require-hashes -r requirements/run.txt" in text


def test_every_volume_and_network_is_declared_and_every_mounted_file_exists():
    compose = deployed.compose()
    used = {network for service in compose["services"].values() for network in service["networks"]}
    mounts = [mount.split(":")[0] for service in compose["services"].values() for mount in service["volumes"]]
    assert used == set(compose["networks"]) and {mount for mount in mounts if "/" not in mount} == set(compose["volumes"])
    files = {(DEPLOY / "compose" / mount).resolve() for mount in mounts if "/" in mount}
    assert {file.name for file in files if not file.exists()} <= {"tls"}


def test_the_image_holds_everything_the_product_needs(tmp_path):
    for source, target in re.findall(r"(?m)^COPY (\S+) (\S+)$", (DEPLOY / "Containerfile").read_text()):
        assert f"!{source}" in (ROOT / ".dockerignore").read_text().splitlines()
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, tmp_path / target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            (tmp_path / target).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / source, tmp_path / target)
    environment = {"PATH": "/usr/bin:/bin", "MALL_DATA_DIR": str(tmp_path / "state"), "MALL_ADMIN_PASSWORD": "first-of-2026-first"}
    done = subprocess.run([sys.executable, "-m", "flask", "--app", "wsgi", "mall", "init"], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


# ---------------------------------------------------------------- settings, ports, secrets


def test_every_variable_of_the_mall_is_a_setting_of_the_product(filled):
    named = {name for file in EVERYTHING for name in re.findall(r"\bMALL_[A-Z_]+\b", file.read_text())}
    assert named <= FIELDS and len(named) > 10


def test_every_setting_is_in_the_reference_with_its_default():
    rows = dict(re.findall(r"(?m)^\| `(MALL_[A-Z_]+)` \| (.*?) \|", (ROOT / "docs" / "configuration.md").read_text()))
    assert set(rows) == FIELDS
    plain = {f"MALL_{name.upper()}": getattr(Settings, name) for name in Settings.__annotations__}
    for name, default in plain.items():
        told = re.fullmatch(r"`([^`]*)`", rows[name])
        if told and "://" not in told[1] and default:
            assert told[1] == str(default), name


def test_the_examples_need_secrets_and_get_fresh_ones(filled):
    with pytest.raises(BadConfiguration, match="MALL_SECRET_KEY"):
        from_environment(deployed.environment(EXAMPLES["systemd"]))
    settings = from_environment(filled["systemd"])
    assert (settings.mode, settings.is_secure, settings.trusted_proxies) == ("production", True, 1)
    empty = {name for example in EXAMPLES.values() for name, value in deployed.environment(example).items() if not value}
    values = [made[name] for made in filled.values() for name in empty & set(made)]
    assert empty == SECRETS and all(len(value) >= 64 for value in values) and len(set(values)) == len(values) == 6


def test_no_file_holds_a_secret():
    for file in EVERYTHING:
        text = file.read_text()
        assert not re.search(r"[0-9a-f]{32}|BEGIN [A-Z ]*PRIVATE KEY|whsec_\w|sk_(live|test)_\w", text), file
        given = re.findall(rf"(?m)^\s*({'|'.join(SECRETS)})[=:] *(.*)$", text)
        assert not [name for name, value in given if value and not value.startswith(("${", ")"))], file


def test_compose_asks_for_every_variable_that_the_example_has(filled):
    asked = set(re.findall(r"\$\{([A-Z_]+):\?", (DEPLOY / "compose" / "compose.yaml").read_text()))
    assert asked == set(filled["compose"])
    environment = deployed.compose()["services"]["web"]["environment"]
    values = {name: re.sub(r"\$\{([A-Z_]+):\?[^}]*\}", lambda found: filled["compose"][found[1]], value) for name, value in environment.items()}
    assert (made := from_environment(values)).meili_url == "http://search:7700" and made.database_url.endswith("@database/mall")


def test_one_port_leads_from_the_proxy_to_the_mall(filled):
    upstream = {way: re.findall(r"server (\S+);", (NGINX / f"upstream-{way}.conf").read_text()) for way in ("host", "compose")}
    host = filled["systemd"]
    assert upstream == {"host": [f"{host['MALL_HOST']}:{host['MALL_PORT']}"], "compose": ["web:8000"]}
    text = (DEPLOY / "Containerfile").read_text()
    assert "MALL_PORT=8000" in text and "EXPOSE 8000" in text and "MALL_HOST=0.0.0.0" in text
    assert "http://127.0.0.1:8000/healthz" in deployed.compose()["services"]["web"]["healthcheck"]["test"][-1]
    assert deployed.compose()["services"]["proxy"]["ports"] == ["80:80", "443:443"]
