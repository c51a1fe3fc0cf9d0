"""The one door to influxdb-client: lines to ``/api/v2/write``; buckets and their names for InfluxQL."""

from __future__ import annotations

import logging

from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.domain.bucket import Bucket
from influxdb_client.domain.bucket_retention_rules import BucketRetentionRules
from influxdb_client.domain.dbrp_create import DBRPCreate
from influxdb_client.domain.patch_bucket_request import PatchBucketRequest
from influxdb_client.domain.patch_retention_rule import PatchRetentionRule
from influxdb_client.domain.post_bucket_request import PostBucketRequest
from influxdb_client.rest import ApiException
from influxdb_client.service.buckets_service import BucketsService
from influxdb_client.service.dbr_ps_service import DBRPsService
from influxdb_client.service.write_service import WriteService
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from pumpd.store.influx_place import InfluxPlace
from pumpd.store.influx_query import told_by
from pumpd.store.influx_sender import LaterError, LinesRefusedError
from pumpd.store.timely import TimelyResponse

BLAMES_THE_LINES = frozenset({400, 413, 422})
"""Answers that will be the same next time: not understood, too large, of the wrong kind."""
STORED = 204
"""What InfluxDB 1.x to 3.x and VictoriaMetrics answer; a proxy's page to sign in at says 200."""
WRITE_PATH = "/api/v2/write"
PLAIN = "text/plain; charset=utf-8"


class _Timely(HTTPConnection):
    response_class = TimelyResponse


class _TimelyTls(HTTPSConnection):
    response_class = TimelyResponse


class _TimelyPool(HTTPConnectionPool):
    ConnectionCls = _Timely


class _TimelyTlsPool(HTTPSConnectionPool):
    ConnectionCls = _TimelyTls


class InfluxDoor:
    """A connection to ``/api/v2/write``; the secret is in no word that it says."""

    def __init__(self, place: InfluxPlace) -> None:
        logging.getLogger("influxdb_client").setLevel(logging.WARNING)  # it would log every line at DEBUG
        self._place = place
        self._client: InfluxDBClient | None = None

    def write(self, lines: bytes) -> None:
        """Write lines; see ``Door``."""
        place = self._place
        try:
            writer = WriteService(self._connected().api_client)
            _, status, _ = writer.post_write_with_http_info(
                place.org or "-",
                place.bucket,
                lines,
                precision="ns",
                content_type=PLAIN,
            )
        except ApiException as error:
            words = _words(place, error)
            if error.status in BLAMES_THE_LINES:
                raise LinesRefusedError(words) from None
            self.close()  # a changed secret is read again
            raise LaterError(f"{place.url}{WRITE_PATH}: {words}", _retry_after_s(error)) from None
        except (HTTPError, OSError, UnicodeError) as error:
            self.close()
            raise LaterError(f"{place.url}{WRITE_PATH}: {_reason(place, error)}") from None
        if status != STORED:
            self.close()
            words = f"answered {status}, and who has stored lines answers {STORED}: it may be no InfluxDB"
            raise LaterError(f"{place.url}{WRITE_PATH}: {words}")

    def make_bucket(self, retention_s: int) -> str:
        """Make bucket, retention and DBRP mapping as they are to be (2.x); return what was done, in words.

        LaterError with the server's words when it refuses, and where the name is another bucket's.
        """
        place = self._place
        try:
            client = self._connected()
            buckets = BucketsService(client.api_client)
            found = buckets.get_buckets(org=place.org, name=place.bucket).buckets
            mapped = self._mapped(client, found[0].id if found else "")
            if found:
                bucket, done = found[0], self._keep(buckets, found[0], retention_s)
            else:
                org_id = client.organizations_api().find_organizations(org=place.org)[0].id
                rule = BucketRetentionRules(type="expire", every_seconds=retention_s)
                rules = [rule] if retention_s else []
                request = PostBucketRequest(org_id=org_id, name=place.bucket, retention_rules=rules)
                bucket, done = buckets.post_buckets(post_bucket_request=request), "made"
            if not mapped:
                mapping = DBRPCreate(
                    org=place.org,
                    bucket_id=bucket.id,
                    database=place.bucket,
                    retention_policy="autogen",
                    default=True,
                )
                DBRPsService(client.api_client).post_dbrp(dbrp_create=mapping)
        except ApiException as error:
            raise LaterError(f"{place.url}: {_words(place, error)}") from None
        except (HTTPError, OSError) as error:
            raise LaterError(f"{place.url}: {_reason(place, error)}") from None
        except (ValueError, LookupError, TypeError):  # what influxdb-client makes of an answer it knows not
            words = f"its answer is not understood; does the organisation {place.org} exist?"
            raise LaterError(f"{place.url}: {words}") from None
        finally:
            self.close()
        return f"bucket {place.bucket} {done}, its name for InfluxQL {'was there' if mapped else 'made'}"

    def _mapped(self, client: InfluxDBClient, bucket_id: str) -> bool:
        """Return whether a mapping was made; what the server makes up while there is none is not one.

        In 2.7 a made-up ("virtual") mapping follows the bucket's name, and gives way to any that is made.
        """
        place = self._place
        made = DBRPsService(client.api_client).get_dbr_ps(org=place.org, db=place.bucket).content or []
        for mapping in made:
            if not mapping.virtual and mapping.default and mapping.bucket_id != bucket_id:
                raise LaterError(
                    f"{place.url}: InfluxQL knows another bucket ({mapping.bucket_id}) as {place.bucket}, so"
                    " what is written could not be read; delete that mapping (influx v1 dbrp), or name"
                    " another history.bucket"
                )
        return any(not mapping.virtual for mapping in made)

    def _keep(self, buckets: BucketsService, bucket: Bucket, retention_s: int) -> str:
        """Give a bucket the retention that it is to have; return what it had where that was another."""
        kept_s = sum(int(rule.every_seconds) for rule in bucket.retention_rules or ())
        if kept_s == retention_s:
            return "was there"
        rule = PatchRetentionRule(
            type="expire",
            every_seconds=retention_s,
            shard_group_duration_seconds=0,  # the server chooses anew what fits
        )
        request = PatchBucketRequest(retention_rules=[rule])
        buckets.patch_buckets_id(bucket.id, patch_bucket_request=request)
        return f"was there and kept readings {f'{kept_s / 86_400:g} days' if kept_s else 'for ever'}"

    def close(self) -> None:
        """Let go of connections."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _connected(self) -> InfluxDBClient:
        if self._client is None:
            place = self._place
            self._client = InfluxDBClient(
                url=place.url,
                token=place.token(),
                org=place.org,
                timeout=round(place.timeout_s * 1000),
                ssl_ca_cert=place.ca_file or None,
            )
            pools = {"http": _TimelyPool, "https": _TimelyTlsPool}
            self._client.api_client.rest_client.pool_manager.pool_classes_by_scheme = pools
        return self._client


def _words(place: InfluxPlace, error: ApiException) -> str:
    return told_by(place, int(error.status or 0), str(error.body or error.reason or ""))


def _reason(place: InfluxPlace, error: Exception) -> str:
    """Return why nothing was answered, without the name of the class that urllib3 puts before it."""
    return place.without_secret(f"{type(error).__name__}: {str(error).rpartition('): ')[2]}")


def _retry_after_s(error: ApiException) -> float:
    try:
        return float(error.headers["Retry-After"])
    except (KeyError, TypeError, ValueError):
        return 0.0
