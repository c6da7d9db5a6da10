"""Run `up`, `down` or `status` of a stack whose simulators and processes are small fakes.

python -m tests.infra.fake_stack up DATA PORT [--detach] [--only-fakes] [--fail] ...
"""

import argparse
import sys
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from infra.embedded import plan as plans
from infra.embedded.plan import Plan
from infra.embedded.programs import Program, announced, answering
from infra.embedded.stack import Programs, down, status, up

FAKE = (sys.executable, "-m", "tests.infra.fake_program")


def simulators(plan: Plan) -> list[Program]:
    """Return two fakes that announce themselves as the simulators do."""
    mt5_port, psp_port = plan.ports["mt5"], plan.ports["psp"]
    mt5 = (
        *(*FAKE, "--port", str(mt5_port)),
        *("--announce", f"https://127.0.0.1:{mt5_port} sha256:ab12"),
    )
    psp = (*FAKE, "--port", str(psp_port), "--announce", f"http://127.0.0.1:{psp_port}")
    return [
        Program("mt5", mt5, announced, mt5_port),
        Program("psp", psp, announced, psp_port),
    ]


def applications(
    chosen: argparse.Namespace, plan: Plan, environment: Mapping[str, str]
) -> list[Program]:
    """Return a web that answers, and a worker with a child that ignores SIGTERM."""
    web = plan.ports["web"]
    crash = ("--crash-once", str(plan.data / "crashed")) if chosen.crash else ()
    fail = ("--fail",) if chosen.fail else ()
    return [
        Program("web", (*FAKE, "--port", str(web)), answering(web, "/readyz"), web, environment),
        Program("worker", (*FAKE, "--child", *crash, *fail), announced, None, environment),
    ]


def prepare(data: Path, seconds: float, environment: dict[str, str]) -> None:
    """Leave a trace of each run, as migrations would."""
    time.sleep(seconds)
    with (data / "prepared").open("a") as file:
        file.write(environment["MARQUE_SIM_MT5_FINGERPRINT"] + "\n")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("verb", choices=["up", "down", "status"])
    parser.add_argument("data", type=Path)
    parser.add_argument("port", type=int, nargs="?", default=0)
    parser.add_argument("--detach", action="store_true")
    parser.add_argument("--only-fakes", action="store_true")
    parser.add_argument("--crash", action="store_true")
    parser.add_argument("--fail", action="store_true")
    parser.add_argument("--prepare-seconds", type=float, default=0)
    chosen = parser.parse_args()
    if chosen.verb != "up":
        sys.exit({"down": down, "status": status}[chosen.verb](chosen.data))
    programs = Programs(
        services=(lambda _: []) if chosen.only_fakes else plans.services,
        simulators=simulators,
        applications=partial(applications, chosen),
    )
    code = up(
        data=chosen.data,
        port=chosen.port,
        domain="localhost",
        detach=chosen.detach,
        live=False,
        prepare=partial(prepare, chosen.data, chosen.prepare_seconds),
        table=lambda environment: f"web at http://127.0.0.1:{environment['MARQUE_PORT']}",
        programs=programs,
    )
    sys.exit(code)


if __name__ == "__main__":
    main()
