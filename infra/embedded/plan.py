"""What a stack consists of: which services are ours, which ports they get, which programs run.

A service whose address stands in the environment is not started: DATABASE_URL, REDIS_URL,
S3_ENDPOINT_URL, SMTP_URL and SMS_URL name servers that somebody else runs.
"""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.embedded import objects, postgres, valkey
from infra.embedded.programs import Output, Program, announced, answering, free_port
from infra.embedded.state import State

DATABASE = "marque"
BUCKET = "marque"
MANAGER = "1011"
SMS_ACCOUNT = "AC0000000000000000000000000000local"
LIVE_SECONDS = "2"
EXTERNAL = {
    "postgres": "DATABASE_URL",
    "valkey": "REDIS_URL",
    "s3": "S3_ENDPOINT_URL",
    "mail": "SMTP_URL",
    "sms": "SMS_URL",
}
PORTS = {
    "web": ("web",),
    "postgres": ("postgres",),
    "valkey": ("valkey",),
    "mail": ("mail", "smtp"),
    "mt5": ("mt5",),
    "psp": ("psp",),
    "s3": objects.PORTS,
    "sms": ("sms",),
}


@dataclass(frozen=True)
class Plan:
    """One stack: its folder, its ports, its secrets and what others run for it."""

    data: Path
    domain: str
    live: bool
    ports: Mapping[str, int]
    secrets: Mapping[str, str]
    external: frozenset[str]

    def address(self, name: str) -> str:
        """Return the http address of one of our ports."""
        return f"http://127.0.0.1:{self.ports[name]}"

    def keys(self) -> objects.Keys:
        """Return the keys of our own object store."""
        return objects.Keys(
            self.secrets["s3_access_key"],
            self.secrets["s3_secret_key"],
            self.secrets["s3_encryption_key"],
            self.secrets["s3_internal_key"],
        )


def externals(environment: Mapping[str, str]) -> frozenset[str]:
    """Return the services that the environment names an address of."""
    return frozenset(name for name, variable in EXTERNAL.items() if environment.get(variable))


def choose_ports(state: State, base: int, external: frozenset[str]) -> dict[str, int]:
    """Return a free port for every purpose and remember them in the state.

    A port of an earlier start is used again; one that is taken moves to the next free one. The
    web gets `base` itself when it can. Raises OSError when no port is free.
    """
    if state.base_port != base:
        state.base_port, state.ports = base, {}
    chosen: dict[str, int] = {}
    for group, names in PORTS.items():
        for name in names if group not in external else ():
            taken = {*chosen.values(), *state.ports.values()} - {state.ports.get(name, 0)}
            if group == "s3":
                taken |= objects.blocked_ports()
            wanted = state.ports.get(name, base)
            chosen[name] = free_port(wanted, taken=taken)
    state.ports = {**state.ports, **chosen}
    return chosen


def services(plan: Plan) -> list[Program]:
    """Return the services that nobody else runs."""
    made = []
    if "postgres" not in plan.external:
        made.append(
            postgres.program(
                plan.data / "postgres", plan.ports["postgres"], plan.secrets["postgres_password"]
            )
        )
    if "valkey" not in plan.external:
        made.append(
            valkey.program(
                plan.data / "valkey", plan.ports["valkey"], plan.secrets["valkey_password"]
            )
        )
    if "s3" not in plan.external:
        made.append(_objects(plan))
    if "mail" not in plan.external:
        catcher = (
            *(sys.executable, "-m", "connectors.mail.catcher"),
            *("--smtp-port", str(plan.ports["smtp"]), "--http-port", str(plan.ports["mail"])),
            *("--data", str(plan.data / "mail")),
        )
        made.append(Program("mail", catcher, announced, plan.ports["mail"]))
    if "sms" not in plan.external:
        carrier = (
            *(sys.executable, "-m", "connectors.sms.catcher"),
            *("--port", str(plan.ports["sms"]), "--data", str(plan.data / "sms")),
        )
        made.append(Program("sms", carrier, announced, plan.ports["sms"]))
    return made


def _objects(plan: Plan) -> Program:
    answer = objects.accepting(plan.ports["s3"], plan.keys(), BUCKET)

    def probe(output: Output) -> str | None:
        facts = answer(output)
        if facts is not None:
            bucket_marker(plan.data).touch()
        return facts

    return objects.program(plan.data / "s3", dict(plan.ports), plan.keys(), probe)


def bucket_marker(data: Path) -> Path:
    """Return the file that says that an earlier start made the bucket."""
    return data / "s3" / f"bucket-{BUCKET}"


def simulators(plan: Plan) -> list[Program]:
    """Return the local counterparts of a trading server and a payment provider."""
    token = {"MARQUE_SIM_OPERATOR_TOKEN": plan.secrets["simulator_operator_token"]}
    mt5 = (
        *(sys.executable, "-m", "connectors.trading.simulator"),
        *("--data", str(plan.data / "mt5"), "--port", str(plan.ports["mt5"])),
        *("--manager", MANAGER),
        *(("--live", LIVE_SECONDS) if plan.live else ()),
    )
    psp = (
        *(sys.executable, "-m", "connectors.payments.simulator"),
        *("--data", str(plan.data / "psp"), "--port", str(plan.ports["psp"])),
    )
    password = {"MARQUE_SIM_MT5_PASSWORD": plan.secrets["simulator_mt5_password"]}
    return [
        Program("mt5", mt5, announced, plan.ports["mt5"], {**token, **password}),
        Program("psp", psp, announced, plan.ports["psp"], token),
    ]


def applications(plan: Plan, environment: Mapping[str, str]) -> list[Program]:
    """Return the product's own processes."""
    web = plan.ports["web"]
    command = (sys.executable, "-m", "entrypoints.web", "--port", str(web))
    made = [Program("web", command, answering(web, "/readyz"), web, environment)]
    for name in ("worker", "relay", "puller", "scheduler"):
        background = (sys.executable, "-m", f"entrypoints.{name}")
        made.append(Program(name, background, announced, None, environment))
    return made


def environment(plan: Plan, mt5: str, psp: str) -> dict[str, str]:
    """Return what our processes are told, all of it by environment variables.

    `mt5` and `psp` are what the simulators announced: an address, and for mt5 its fingerprint.
    """
    mt5_url, _, fingerprint = mt5.partition(" ")
    told = {
        "MARQUE_DATA": str(plan.data),
        "MARQUE_PORT": str(plan.ports["web"]),
        "MARQUE_DOMAIN": plan.domain,
        "MARQUE_SECRET_KEY": os.environ.get("MARQUE_SECRET_KEY") or plan.secrets["secret_key"],
        "MARQUE_EGRESS_ALLOW": ",".join(_allowed(mt5_url, psp)),
        "MARQUE_SIM_MT5_URL": mt5_url,
        "MARQUE_SIM_MT5_LOGIN": MANAGER,
        "MARQUE_SIM_MT5_PASSWORD": plan.secrets["simulator_mt5_password"],
        "MARQUE_SIM_MT5_FINGERPRINT": fingerprint,
        "MARQUE_SIM_PSP_URL": psp,
        "MARQUE_SIM_OPERATOR_TOKEN": plan.secrets["simulator_operator_token"],
    }
    if "postgres" not in plan.external:
        told["DATABASE_URL"] = postgres.address(
            plan.ports["postgres"], plan.secrets["postgres_password"], DATABASE
        )
    if "valkey" not in plan.external:
        told["REDIS_URL"] = valkey.address(plan.ports["valkey"], plan.secrets["valkey_password"])
    if "s3" not in plan.external:
        told["S3_ENDPOINT_URL"] = plan.address("s3")
        told["S3_BUCKET"] = BUCKET
        told["S3_ACCESS_KEY"] = plan.secrets["s3_access_key"]
        told["S3_SECRET_KEY"] = plan.secrets["s3_secret_key"]
        told["S3_REGION"] = objects.REGION
    if "mail" not in plan.external:
        told["SMTP_URL"] = f"smtp://127.0.0.1:{plan.ports['smtp']}"
        told["MARQUE_INBOX_URL"] = plan.address("mail")
    if "sms" not in plan.external:
        # The catcher asks for an account as a carrier does, and lets every token in.
        carrier = f"127.0.0.1:{plan.ports['sms']}"
        told["SMS_URL"] = f"http://{SMS_ACCOUNT}:catcher@{carrier}?from=Marque"
        told["MARQUE_EGRESS_ALLOW"] += f",{carrier}"
        told["MARQUE_SMS_INBOX_URL"] = plan.address("sms")
    return told


def _allowed(*urls: str) -> list[str]:
    """Return host:port of the simulators after what the operator allowed."""
    given = [one.strip() for one in os.environ.get("MARQUE_EGRESS_ALLOW", "").split(",")]
    ours = [url.partition("://")[2].rstrip("/") for url in urls if url]
    return list(dict.fromkeys(one for one in [*given, *ours] if one))
