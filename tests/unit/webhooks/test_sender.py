"""The client for addresses that people have named: connects to what was checked, and gives up in time."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path

import pytest
from nashr.adapters.abroad import MOST_BYTES, NoAnswer, NotSent, Sender
from nashr.domain.reach import Address, Reach

from tests.receivers import Receiver, Says, receiver
from tests.unit.webhooks.test_reach import NOT_PUBLIC


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with receiver() as made:
        yield made


def at(*addresses: str) -> object:
    """A resolver that gives these, one list a call when there are several lists."""

    def resolve(host: str, port: int) -> Sequence[Address]:
        return [ip_address(address) for address in addresses]

    return resolve


def sender(*addresses: str, reach: Reach = Reach.loopback, seconds: float = 10.0) -> Sender:
    return Sender(reach, resolve=at(*addresses), total_seconds=seconds)  # type: ignore[arg-type]


def named(hook: Receiver, name: str = "hooks.example") -> str:
    return f"http://{name}:{hook.port}/in?x=1"


def test_a_request_goes_to_the_checked_address_under_its_own_name(hook: Receiver) -> None:
    """Host is the URL's, the path and query are as written, the body arrives."""
    answer = sender("127.0.0.1").post(named(hook), b"body", {"X-One": "1"})
    assert answer.status == 204
    (told,) = hook.told
    assert (told.path, told.body) == ("/in?x=1", b"body")
    assert told.headers["host"] == f"hooks.example:{hook.port}"
    assert told.headers["x-one"] == "1"


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_nothing_connects_to_a_name_at_a_blocked_address(hook: Receiver, address: str) -> None:
    """Whether it is the only address of the name or stands beside a public one: 0 connections."""
    for addresses in ([address], ["93.184.215.14", address]):
        public = sender(*addresses, reach=Reach.public)
        with pytest.raises(NotSent):
            public.post(f"https://hooks.example:{hook.port}/", b"", {})
    assert hook.connections == 0


def test_nothing_goes_out_in_clear(hook: Receiver) -> None:
    """http is for this machine and its network, whatever the setting says."""
    with pytest.raises(NotSent, match="https"):
        sender("8.8.8.8", "127.0.0.1", reach=Reach.private).post(named(hook), b"", {})
    with pytest.raises(NotSent, match="https"):
        sender("127.0.0.1", reach=Reach.public).post(named(hook), b"", {})
    assert hook.connections == 0


def test_a_name_that_changes_its_address_is_not_followed(
    hook: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: public when it is checked, this machine when anybody asks again. Nobody asks again."""
    asked: list[str] = []
    tried: list[str] = []

    def resolve(host: str, port: int) -> Sequence[Address]:
        asked.append(host)
        return [ip_address("192.0.2.9" if len(asked) > 1 else "93.184.215.14")]

    def connect(address: tuple[str, int], *args: object, **kwargs: object) -> socket.socket:
        tried.append(address[0])
        raise TimeoutError

    def rebound(*args: object, **kwargs: object) -> object:
        raise AssertionError("the name was looked up behind the check")

    monkeypatch.setattr(socket, "create_connection", connect)
    monkeypatch.setattr(socket, "getaddrinfo", rebound)
    rebinding = Sender(Reach.public, resolve=resolve)
    with pytest.raises(NoAnswer):
        rebinding.post(f"https://hooks.example:{hook.port}/", b"", {})
    assert (asked, tried) == (["hooks.example"], ["93.184.215.14"])
    assert hook.connections == 0


def test_no_redirect_is_followed(hook: Receiver) -> None:
    """Where it leads was never checked."""
    hook.will(Says(302, headers={"Location": hook.url + "/elsewhere"}))
    assert sender("127.0.0.1").post(named(hook), b"", {}).status == 302
    assert len(hook.told) == 1


def test_no_proxy_of_the_environment_is_used(hook: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would connect for us, to whatever it likes."""
    with receiver() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert sender("127.0.0.1").post(named(hook), b"", {}).status == 204
        assert (len(hook.told), proxy.connections) == (1, 0)


def test_an_answer_without_end_is_cut(hook: Receiver) -> None:
    """64 kB are read and no more."""
    hook.will(Says(200, b"x" * (4 * MOST_BYTES)))
    assert len(sender("127.0.0.1").post(named(hook), b"", {}).body) == MOST_BYTES


def test_a_receiver_that_never_answers_is_given_up(hook: Receiver) -> None:
    """When the time for all is over."""
    hook.will(Says(hangs=True))
    begun = time.monotonic()
    with pytest.raises(NoAnswer, match="Timeout"):
        sender("127.0.0.1", seconds=0.4).post(named(hook), b"", {})
    assert time.monotonic() - begun < 2


def test_one_that_drips_is_given_up_too() -> None:
    """A byte now and then keeps no thread: the time is for the whole answer."""
    with dripping() as port:
        begun = time.monotonic()
        with pytest.raises(NoAnswer):
            sender("127.0.0.1", seconds=0.6).post(f"http://hooks.example:{port}/", b"", {})
        assert time.monotonic() - begun < 2


@contextmanager
def dripping() -> Iterator[int]:
    """A server whose headers come a byte each 50 ms."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            conn, _ = server.accept()
            with conn:
                conn.recv(4096)
                try:
                    conn.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
                    while not over.wait(0.05):
                        conn.sendall(b"x")
                except OSError:
                    pass

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield int(server.getsockname()[1])
        over.set()
        thread.join(5)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for hooks.example, signed by itself."""
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
         "2", "-subj", "/CN=hooks.example", "-addext", "subjectAltName=DNS:hooks.example",
         "-keyout", "key.pem", "-out", "cert.pem"],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    return folder


def test_tls_is_checked_for_the_name_and_not_for_the_address(certificate: Path) -> None:
    """The certificate must be the name's, by an authority that we trust; SNI is the name."""
    names: list[str | None] = []
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    served.sni_callback = lambda _socket, name, _context: names.append(name)
    trust = ssl.create_default_context(cafile=str(certificate / "cert.pem"))
    with receiver(tls=served) as hook:
        trusting = Sender(Reach.loopback, resolve=at("127.0.0.1"), trust=trust)  # type: ignore[arg-type]
        assert trusting.post(f"https://hooks.example:{hook.port}/", b"", {}).status == 204
        with pytest.raises(NoAnswer, match=r"[Cc]ertificate"):
            trusting.post(f"https://other.example:{hook.port}/", b"", {})
        with pytest.raises(NoAnswer, match=r"[Cc]ertificate"):
            sender("127.0.0.1").post(f"https://hooks.example:{hook.port}/", b"", {})
        assert names[0] == "hooks.example"
        assert len(hook.told) == 1


def test_the_next_address_is_tried_when_one_does_not_take_the_connection(hook: Receiver) -> None:
    """As browsers do; all of them were checked."""
    assert sender("127.0.0.2", "127.0.0.1").post(named(hook), b"", {}).status == 204


def test_an_address_in_arabic_is_reached_as_it_travels(hook: Receiver) -> None:
    """Its host by IDNA, its path in percent signs, as browsers send them."""
    sender("127.0.0.1").post(f"http://مثال.example:{hook.port}/خبر", b"", {})

    (told,) = hook.told
    assert told.path == "/%D8%AE%D8%A8%D8%B1"
    assert told.headers["host"] == f"xn--mgbh0fb.example:{hook.port}"


@pytest.mark.parametrize(
    "url",
    ["https://a..b/", f"https://{'a' * 70}.example/", "https://\udc80/", "https://", "https://u@x.example/"],
)
def test_what_is_no_address_is_said_so(url: str) -> None:
    """An error for the log of deliveries, not a crash."""
    with pytest.raises(NotSent):
        sender("93.184.215.14").post(url, b"", {})
