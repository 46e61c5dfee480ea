"""PostgreSQL, Valkey and the S3 server as the stack starts them: they answer, come back, keep their data."""

from __future__ import annotations

import json
import os
import signal
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import psycopg
import pytest
import redis
from botocore.config import Config
from nashr.runtime import folder
from nashr.settings import Settings, load_for_stack

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

    from tests.integration.stack.conftest import Running, Starter

SERVERS = ("postgres", "s3", "valkey")


def settings_of(running: Running) -> Settings:
    return load_for_stack(running.data)


def s3_of(settings: Settings) -> S3Client:
    return boto3.client(
        "s3",
        endpoint_url=settings.s3_endpoint,
        region_name=settings.s3_region,
        aws_access_key_id=settings.s3_access_key.get_secret_value(),
        aws_secret_access_key=settings.s3_secret_key.get_secret_value(),
        config=Config(request_checksum_calculation="when_required", s3={"addressing_style": "path"}),
    )


def write_everywhere(settings: Settings) -> None:
    with psycopg.connect(settings.database_url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept AS SELECT 'خبر' AS word")
    s3 = s3_of(settings)
    s3.create_bucket(Bucket=settings.s3_bucket)
    s3.put_object(
        Bucket=settings.s3_bucket,
        Key="خبر/index.html",
        Body="نشر".encode(),
        CacheControl="max-age=0",
        Metadata={"version": "7"},
    )


def read_database(settings: Settings) -> list[Any]:
    with psycopg.connect(settings.database_url) as connection:
        return connection.execute("SELECT word FROM kept").fetchall()


def check_everywhere(settings: Settings) -> None:
    assert read_database(settings) == [("خبر",)]
    found = s3_of(settings).get_object(Bucket=settings.s3_bucket, Key="خبر/index.html")
    assert found["Body"].read() == "نشر".encode()
    assert (found["CacheControl"], found["Metadata"]) == ("max-age=0", {"version": "7"})
    with redis.Redis.from_url(settings.redis_url) as client:
        assert client.ping()


def fetch(url: str, *, method: str = "GET", body: bytes | None = None) -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method=method, data=body), timeout=60) as got:
            return int(got.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.fixture(scope="module")
def running(shared_starter: Starter) -> Running:
    """A stack that tests only look at, with something in it."""
    running = shared_starter.stack(words=["service"]).wait("ready")
    write_everywhere(settings_of(running))
    return running


def test_the_three_servers_answer(running: Running) -> None:
    """A stack in an empty folder has a UTF-8 database, a broker and a store that keep what they are given."""
    settings = settings_of(running)
    check_everywhere(settings)
    with psycopg.connect(settings.database_url) as connection:
        shown = connection.execute(
            "SELECT current_setting('server_version_num')::int / 10000, current_setting('listen_addresses'), "
            "current_setting('server_encoding'), current_setting('fsync'), current_setting('jit')"
        ).fetchone()
    assert shown == (18, "", "UTF8", "on", "off")


def test_addresses_and_secrets_are_the_owners_only(running: Running) -> None:
    """Every file with a secret is 0600 and every folder of the stack is closed to others."""
    endpoints = json.loads((running.data / "endpoints.json").read_text())
    settings = settings_of(running)
    assert endpoints == {
        "api": f"http://127.0.0.1:{settings.api_port}",
        "site": f"http://127.0.0.1:{settings.site_port}",
        "admin_token": "token-of-the-test",
    }
    for name in ("endpoints.json", "stack.json", "status.json", "valkey/valkey.conf"):
        assert mode(running.data / name) == 0o600, name
    for name in ("postgres", "valkey", "s3", "logs", "run"):
        assert mode(running.data / name) == 0o700, name
    assert mode(running.data) in (0o700, 0o711)


def test_strangers_get_nothing_from_the_store(running: Running) -> None:
    """Without the stack's key nobody lists, writes or erases; objects of the site's bucket can be read."""
    settings = settings_of(running)
    url, site = settings.s3_endpoint, f"{settings.s3_endpoint}/{settings.s3_bucket}"
    assert fetch(f"{site}/%D8%AE%D8%A8%D8%B1/index.html") == 200
    params = {"Bucket": settings.s3_bucket, "Key": "خبر/index.html"}
    presigned = s3_of(settings).generate_presigned_url("get_object", Params=params)
    assert fetch(presigned) == 200
    assert fetch(presigned.replace(settings.s3_access_key.get_secret_value(), "another")) == 403
    assert fetch(f"{site}?list-type=2") == 403
    assert fetch(f"{site}/") == 403
    assert fetch(f"{site}/%2e%2e/{settings.s3_private_bucket}/x") == 403
    assert fetch(f"{site}/new", method="PUT", body=b"x") == 403
    assert fetch(f"{url}/_ministack/reset", method="POST", body=b"") == 403
    check_everywhere(settings)


def test_the_broker_asks_for_its_password(running: Running) -> None:
    """A client without the stack's password is refused."""
    port = json.loads((running.data / "stack.json").read_text())["valkey_port"]
    with redis.Redis(port=port) as client, pytest.raises(redis.AuthenticationError):
        client.ping()


def test_services_find_the_stack_and_their_deaths_release_leases(running: Running) -> None:
    """A service reads the stack's settings; when it is killed, release() is called for its pid."""
    settings = settings_of(running)
    with urllib.request.urlopen(f"http://127.0.0.1:{settings.api_port}/readyz", timeout=60) as answer:
        assert answer.read().decode() == settings.redis_url
    old = running.pid("ingest")
    os.kill(old, signal.SIGKILL)
    running.replaced("ingest", old)
    released = [str(old), settings.database_url]
    running.until(lambda: released in running.notes("released"))


def test_a_second_up_in_the_same_folder_is_refused(running: Running, starter: Starter) -> None:
    """It names the pid and the command that stops the first one, and leaves that one alone."""
    second = starter.stack(data=running.data)
    assert second.process.wait(timeout=60) == 1
    assert f"already running in {running.data} (pid {running.process.pid})" in second.errors.read_text()
    assert running.status().state == "ready"


@pytest.mark.parametrize("name", SERVERS)
def test_a_killed_server_comes_back_with_its_data(running: Running, name: str) -> None:
    """kill -9 of any server: it is back at the same address, with everything that was acknowledged."""
    settings = settings_of(running)
    old = running.pid(name)
    os.kill(old, signal.SIGKILL)
    running.replaced(name, old)
    check_everywhere(settings)
    assert settings_of(running) == settings


def test_two_stacks_run_side_by_side(running: Running, starter: Starter) -> None:
    """A second stack in another folder has its own data and ports, and stopping it leaves the first alone."""
    other = starter.stack(words=["service"]).wait("ready")
    with psycopg.connect(settings_of(other).database_url) as connection:
        assert connection.execute("SELECT to_regclass('kept')").fetchone() == (None,)
    assert other.stop() == 0
    assert other.left() == []
    check_everywhere(settings_of(running))


def test_outside_servers_replace_the_embedded_ones(running: Running, starter: Starter) -> None:
    """What a setting names is used and not started, and is written down for the commands beside the stack."""
    named = settings_of(running)
    outside = {
        "NASHR_DATABASE_URL": named.database_url,
        "NASHR_REDIS_URL": named.redis_url,
        "NASHR_S3_ENDPOINT": named.s3_endpoint,
        "NASHR_S3_ACCESS_KEY": named.s3_access_key.get_secret_value(),
        "NASHR_S3_SECRET_KEY": named.s3_secret_key.get_secret_value(),
        "NASHR_EDGE_URL": "https://news.example",
    }
    other = starter.stack(words=["service"], env=outside).wait("ready")
    assert [program.name for program in other.status().programs] == ["ingest"]
    assert json.loads((other.data / "endpoints.json").read_text())["site"] == "https://news.example"
    assert not (other.data / "postgres").exists()
    check_everywhere(settings_of(other))


def test_a_second_start_keeps_data_addresses_and_secrets(starter: Starter) -> None:
    """After a stop nothing runs; the next start has the same ports, keys, rows and objects."""
    first = starter.stack().wait("ready")
    settings = settings_of(first)
    write_everywhere(settings)
    assert first.stop() == 0
    assert first.left() == []
    second = starter.stack().wait("ready")
    check_everywhere(settings_of(second))
    # but for the broker's URL: a new password each time
    assert replace(settings_of(second), redis_url="") == replace(settings, redis_url="")


def test_a_killed_supervisor_costs_nothing_but_a_restart(starter: Starter) -> None:
    """kill -9 of the supervisor leaves no process, and the next start works on the same data."""
    first = starter.stack(words=["service"]).wait("ready")
    write_everywhere(settings_of(first))
    first.kill()
    second = starter.stack(words=["service"]).wait("ready")
    check_everywhere(settings_of(second))
    assert second.stop() == 0
    first.until(lambda: not folder.is_locked(first.data))
    assert first.left() == []


def test_a_power_cut_costs_nothing_but_a_restart(starter: Starter) -> None:
    """kill -9 of everything at once, stale postmaster.pid included: the next start has all data."""
    first = starter.stack().wait("ready")
    write_everywhere(settings_of(first))
    pids = [first.pid(name) for name in SERVERS]
    first.process.send_signal(signal.SIGSTOP)
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    first.kill()
    assert (first.data / "postgres" / "data" / "postmaster.pid").exists()
    second = starter.stack().wait("ready")
    check_everywhere(settings_of(second))


def test_deep_folders_get_a_short_socket_path(starter: Starter, tmp_path: Path) -> None:
    """Where DIR is too deep for a socket, a private folder in the temporary one is used, and used again."""
    data = tmp_path / "غرفة الأخبار, a newsroom" / ("deep" * 20)
    first = starter.stack(data=data).wait("ready")
    sockets = Path(json.loads((data / "stack.json").read_text())["socket_dir"])
    assert data not in sockets.parents
    assert mode(sockets) == 0o700
    write_everywhere(settings_of(first))
    assert first.stop() == 0
    second = starter.stack(data=data).wait("ready")
    check_everywhere(settings_of(second))
    assert json.loads((data / "stack.json").read_text())["socket_dir"] == str(sockets)
    second.stop()
    sockets.rmdir()
