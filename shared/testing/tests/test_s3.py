"""The S3 servers of a run."""

from __future__ import annotations

from typing import Any

import aioboto3
import pytest
from botocore.exceptions import ClientError

from shared.testing.s3 import S3


def client(place: S3, secret_key: str | None = None) -> Any:
    session = aioboto3.Session(place.access_key, secret_key or place.secret_key)
    return session.client("s3", endpoint_url=place.endpoint, region_name=place.region)


@pytest.fixture(params=["moto_s3", "rclone_s3"])
def s3(request: pytest.FixtureRequest) -> S3:
    """Each of them in turn."""
    place: S3 = request.getfixturevalue(request.param)
    return place


async def test_a_bucket_is_empty_and_keeps_what_is_put(s3: S3) -> None:
    async with client(s3) as door:
        assert "Contents" not in await door.list_objects_v2(Bucket=s3.bucket)
        await door.put_object(Bucket=s3.bucket, Key="a/b", Body=b"kept")
        answer = await door.get_object(Bucket=s3.bucket, Key="a/b")
        assert await answer["Body"].read() == b"kept"


async def test_rclone_checks_signatures(rclone_s3: S3) -> None:
    async with client(rclone_s3, "wrong") as door:
        with pytest.raises(ClientError):
            await door.list_objects_v2(Bucket=rclone_s3.bucket)
