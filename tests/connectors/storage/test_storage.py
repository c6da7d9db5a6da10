"""Both object stores keep the port's promises: a folder, and a real S3 server."""

import asyncio
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from connectors import contract
from connectors.storage.filesystem import FilesystemStore
from connectors.storage.s3 import S3Store, StoreUnavailable
from kernel.actor import TenantRef
from kernel.ids import uuid7
from kernel.storage import ObjectMissing, ObjectStore
from tests.fixtures.services import ensure_services

Check = Callable[[ObjectStore], Awaitable[None]]


def s3(*, bucket: str | None = None, endpoint: str | None = None) -> S3Store:
    """Make the S3 adapter for the object store of this test run."""
    services = ensure_services()
    return S3Store(
        endpoint_url=endpoint or services.s3_endpoint,
        bucket=bucket or services.s3_bucket,
        access_key=services.s3_access_key,
        secret_key=services.s3_secret_key,
        timeout_seconds=5,
    )


@pytest.mark.parametrize("check", contract.STORAGE, ids=lambda check: check.__name__)
async def test_a_folder_keeps_the_promise(check: Check, tmp_path: Path) -> None:
    """Each promise of the store holds for a folder that does not exist yet."""
    await check(FilesystemStore(tmp_path / "objects"))


@pytest.mark.parametrize("check", contract.STORAGE, ids=lambda check: check.__name__)
async def test_s3_keeps_the_promise(check: Check) -> None:
    """Each promise of the store holds for a real S3 server."""
    await check(s3())


async def test_a_missing_bucket_is_made(tenant: TenantRef) -> None:
    """The first object makes its bucket, also when several arrive at once."""
    store = s3(bucket=f"made-{uuid7()}")

    keys = await asyncio.gather(
        *(store.put(tenant, "document", b"x", media_type="text/plain") for _ in range(4))
    )

    assert [await store.get(tenant, key) for key in keys] == [b"x"] * 4


async def test_an_object_of_a_missing_bucket_is_missing(tenant: TenantRef) -> None:
    """Reading and deleting make no bucket."""
    store = s3(bucket=f"none-{uuid7()}")
    key = f"t/{tenant.id}/document/{uuid7()}"

    with pytest.raises(ObjectMissing):
        await store.get(tenant, key)
    await store.delete(tenant, key)


async def test_a_store_that_is_not_there_says_so(tenant: TenantRef) -> None:
    """An absent server is not an absent object."""
    store = s3(endpoint="http://127.0.0.1:9")

    with pytest.raises(StoreUnavailable):
        await store.get(tenant, f"t/{tenant.id}/document/{uuid7()}")


async def test_files_are_their_owners_alone(tenant: TenantRef, tmp_path: Path) -> None:
    """Passports in a folder are not readable by other users of the machine."""
    store = FilesystemStore(tmp_path)

    key = await store.put(tenant, "document", b"passport", media_type="image/png")

    assert stat.S_IMODE((tmp_path / key).stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.rglob("*.partial")] == []


async def test_a_folder_that_cannot_be_written_fails_the_check(tmp_path: Path) -> None:
    """The check tells before the first upload does."""
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(OSError, match=r"directory|exists"):
        await FilesystemStore(tmp_path / "file").check()
