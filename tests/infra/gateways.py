"""A boto3 client for the object store of a stack, one attempt a call."""

from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def s3_client(endpoint: str, access_key: str, secret_key: str) -> "S3Client":
    """Return a client that shows the first error instead of trying again."""
    settings = Config(retries={"max_attempts": 0}, s3={"addressing_style": "path"})
    made: S3Client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        region_name="us-east-1",
        config=settings,
    )
    return made
