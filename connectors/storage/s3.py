"""An object store over the S3 protocol.

boto3 is synchronous, so its calls run in threads; its client may be shared between them. The
bucket is made when it is missing, with a few retries, because a store that has just started
refuses for a moment.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from kernel.actor import TenantRef
from kernel.ids import uuid7
from kernel.keys import belongs, object_key
from kernel.storage import ObjectMissing

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

T = TypeVar("T")

_BUCKET_ATTEMPTS = 5
_MISSING = frozenset({"NoSuchKey", "404", "NotFound"})
_NO_BUCKET = frozenset({"NoSuchBucket"})
_BUCKET_EXISTS = frozenset({"BucketAlreadyOwnedByYou", "BucketAlreadyExists"})


class StoreUnavailable(Exception):
    """The object store can't be reached or refuses; try again after a pause."""


class S3Store:
    """An `ObjectStore` in one bucket, under each tenant's prefix."""

    def __init__(
        self,
        *,
        endpoint_url: str | None,
        bucket: str,
        access_key: str,
        secret_key: str,
        region: str = "us-east-1",
        timeout_seconds: float = 10.0,
    ) -> None:
        """Make a client; nothing is sent yet."""
        self._bucket = bucket
        self._client: S3Client = boto3.session.Session().client(
            "s3",
            endpoint_url=endpoint_url,
            aws_access_key_id=access_key,
            aws_secret_access_key=secret_key,
            region_name=region,
            config=Config(
                connect_timeout=timeout_seconds,
                read_timeout=timeout_seconds,
                retries={"max_attempts": 3, "mode": "standard"},
                s3={"addressing_style": "path"} if endpoint_url else {},
            ),
        )

    async def put(self, tenant: TenantRef, kind: str, data: bytes, *, media_type: str) -> str:
        """Store bytes under a new key and return it; raise StoreUnavailable when that fails."""
        key = object_key(tenant, kind, uuid7())

        def store() -> None:
            self._client.put_object(Bucket=self._bucket, Key=key, Body=data, ContentType=media_type)

        try:
            await _threaded(store)
        except _NoBucket:
            await self._make_bucket()
            await _threaded(store)
        return key

    async def get(self, tenant: TenantRef, key: str) -> bytes:
        """Return the bytes; raise ObjectMissing for unknown keys and those of other tenants."""
        if not belongs(tenant, key):
            raise ObjectMissing

        def fetch() -> bytes:
            return self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()

        try:
            return await _threaded(fetch)
        except _NoBucket:
            raise ObjectMissing from None

    async def delete(self, tenant: TenantRef, key: str) -> None:
        """Remove the object; an absent one, or another tenant's, is no error and stays."""
        if not belongs(tenant, key):
            return

        def remove() -> None:
            self._client.delete_object(Bucket=self._bucket, Key=key)

        try:
            await _threaded(remove)
        except (_NoBucket, ObjectMissing):
            return

    async def check(self) -> None:
        """Make sure that the bucket is there; raise StoreUnavailable when it can't be."""
        await self._make_bucket()

    async def _make_bucket(self) -> None:
        for attempt in range(_BUCKET_ATTEMPTS):
            try:
                await _threaded(self._make_bucket_once)
            except StoreUnavailable:
                if attempt == _BUCKET_ATTEMPTS - 1:
                    raise
                await asyncio.sleep(0.2 * 2**attempt)
            else:
                return

    def _make_bucket_once(self) -> None:
        try:
            self._client.head_bucket(Bucket=self._bucket)
        except ClientError as error:
            if _code(error) not in _MISSING | _NO_BUCKET:
                raise
            try:
                self._client.create_bucket(Bucket=self._bucket)
            except ClientError as refused:
                if _code(refused) not in _BUCKET_EXISTS:
                    raise


class _NoBucket(Exception):
    """The bucket does not exist (yet)."""


async def _threaded(call: Callable[[], T]) -> T:
    try:
        return await asyncio.to_thread(call)
    except ClientError as error:
        code = _code(error)
        if code in _NO_BUCKET:
            raise _NoBucket from None
        if code in _MISSING:
            raise ObjectMissing from None
        raise StoreUnavailable(f"The object store answered {code}.") from None
    except BotoCoreError as error:
        raise StoreUnavailable(
            f"The object store can't be reached ({type(error).__name__})."
        ) from None


def _code(error: ClientError) -> str:
    return error.response.get("Error", {}).get("Code", "an error")
