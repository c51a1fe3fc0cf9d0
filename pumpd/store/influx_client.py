"""The one door to influxdb-client: lines to ``/api/v2/write``; buckets and their names for InfluxQL."""

from __future__ import annotations

import json
import logging

from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.domain.bucket_retention_rules import BucketRetentionRules
from influxdb_client.domain.dbrp_create import DBRPCreate
from influxdb_client.domain.post_bucket_request import PostBucketRequest
from influxdb_client.rest import ApiException
from influxdb_client.service.buckets_service import BucketsService
from influxdb_client.service.dbr_ps_service import DBRPsService
from influxdb_client.service.write_service import WriteService
from urllib3.exceptions import HTTPError

from pumpd.store.influx_place import InfluxPlace
from pumpd.store.influx_sender import LaterError, LinesRefusedError

BLAMES_THE_LINES = frozenset({400, 413, 422})
"""Answers that will be the same next time: not understood, too large, of the wrong kind."""
STORED = 204
"""What InfluxDB 1.x to 3.x and VictoriaMetrics answer; a proxy's page to sign in at says 200."""
MOST_WORDS = 500
WRITE_PATH = "/api/v2/write"
PLAIN = "text/plain; charset=utf-8"


def words_of(error: ApiException) -> str:
    """Return what a server said, without what surrounds it."""
    said = error.body or error.reason or ""
    try:
        told = json.loads(said)
        said = told.get("message") or told.get("error") or said
    except (ValueError, AttributeError):
        pass
    return f"{error.status}: {' '.join(str(said).split())[:MOST_WORDS]}"


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
                content_type="text/plain; charset=utf-8",
            )
        except ApiException as error:
            words = self._place.without_secret(words_of(error))
            if error.status in BLAMES_THE_LINES:
                raise LinesRefusedError(words) from None
            self.close()  # a changed secret is read again
            raise LaterError(f"{place.url}{WRITE_PATH}: {words}", _retry_after_s(error)) from None
        except (HTTPError, OSError, UnicodeError) as error:
            self.close()
            reason = self._place.without_secret(f"{type(error).__name__}: {error}")
            raise LaterError(f"{place.url}{WRITE_PATH}: {reason}") from None
        if status != STORED:
            self.close()
            words = f"answered {status}, and who has stored lines answers {STORED}: it may be no InfluxDB"
            raise LaterError(f"{place.url}{WRITE_PATH}: {words}")

    def make_bucket(self, retention_s: int) -> str:
        """Make bucket and DBRP mapping where they are missing (2.x); return what was done, in words.

        LaterError with the server's words when it refuses.
        """
        place = self._place
        try:
            client = self._connected()
            buckets = BucketsService(client.api_client)
            found = buckets.get_buckets(org=place.org, name=place.bucket).buckets
            made = not found
            if found:
                bucket = found[0]
            else:
                org_id = client.organizations_api().find_organizations(org=place.org)[0].id
                rule = BucketRetentionRules(type="expire", every_seconds=retention_s)
                rules = [rule] if retention_s else []
                request = PostBucketRequest(org_id=org_id, name=place.bucket, retention_rules=rules)
                bucket = buckets.post_buckets(post_bucket_request=request)
            mappings = DBRPsService(client.api_client)
            known = mappings.get_dbr_ps(org=place.org, db=place.bucket).content
            if not known:
                mapping = DBRPCreate(
                    org=place.org,
                    bucket_id=bucket.id,
                    database=place.bucket,
                    retention_policy="autogen",
                    default=True,
                )
                mappings.post_dbrp(dbrp_create=mapping)
        except ApiException as error:
            raise LaterError(f"{place.url}: {self._place.without_secret(words_of(error))}") from None
        except (HTTPError, OSError) as error:
            raise LaterError(f"{place.url}: {self._place.without_secret(str(error))}") from None
        except (ValueError, LookupError, TypeError):  # what influxdb-client makes of an answer it knows not
            words = f"its answer is not understood; does the organisation {place.org} exist?"
            raise LaterError(f"{place.url}: {words}") from None
        finally:
            self.close()
        return (
            f"bucket {place.bucket} {'made' if made else 'was there'}, "
            f"its name for InfluxQL {'was there' if known else 'made'}"
        )

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
        return self._client


def _retry_after_s(error: ApiException) -> float:
    try:
        return float(error.headers["Retry-After"])
    except (KeyError, TypeError, ValueError):
        return 0.0
