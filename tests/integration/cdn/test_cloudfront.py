"""CreateInvalidation as CloudFront publishes it: path, XML, SigV4, errors. Never run against AWS."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from xml.etree import ElementTree

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from nashr.adapters.cdn.cloudfront import CloudFrontCdn
from nashr.ports import CdnBusy, CdnRefused, CdnUnavailable

from tests.integration.cdn.conftest import Answer, Api, Asked
from tests.servers import free_port

SPACE = "{http://cloudfront.amazonaws.com/doc/2020-05-31/}"
PAGE = "https://news.example/politics/%D8%AE%D8%A8%D8%B1/"
CREATED = Answer(
    201,
    """<?xml version="1.0"?><Invalidation xmlns="http://cloudfront.amazonaws.com/doc/2020-05-31/"><Id>I1</Id>
    <Status>InProgress</Status><CreateTime>2026-11-29T06:00:00Z</CreateTime><InvalidationBatch><Paths>
    <Quantity>1</Quantity><Items><Path>/x</Path></Items></Paths><CallerReference>r</CallerReference>
    </InvalidationBatch></Invalidation>""",
    {"Content-Type": "text/xml"},
)


def failure(status: int, code: str, message: str = "in its own words") -> Answer:
    return Answer(
        status,
        f"""<?xml version="1.0"?><ErrorResponse xmlns="http://cloudfront.amazonaws.com/doc/2020-05-31/"><Error>
        <Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>
        <RequestId>r</RequestId></ErrorResponse>""",
        {"Content-Type": "text/xml"},
    )


@pytest.fixture
def cloudfront(api: Api) -> Iterator[CloudFrontCdn]:
    api.will_answer(CREATED)
    made = CloudFrontCdn(
        distribution="E2EXAMPLE", access_key="AKIDEXAMPLE", secret_key="wJalrXUt", by_tag=True, api=api.url
    )
    with closing(made):
        yield made


def items(asked: Asked) -> list[str]:
    batch = ElementTree.fromstring(asked.body)  # noqa: S314 - our own request
    assert batch.tag == f"{SPACE}InvalidationBatch"
    found = [item.text or "" for item in batch.iter(f"{SPACE}Path")]
    assert batch.findtext(f"{SPACE}Paths/{SPACE}Quantity") == str(len(found))
    return found


def test_paths_and_tags_go_in_one_batch(api: Api, cloudfront: CloudFrontCdn) -> None:
    """POST /2020-05-31/distribution/{id}/invalidation with percent-encoded paths, and tags behind a #."""
    cloudfront.purge(urls=[PAGE], tags=["p1"])
    (asked,) = api.asked
    assert (asked.method, asked.path) == ("POST", "/2020-05-31/distribution/E2EXAMPLE/invalidation")
    assert items(asked) == ["/politics/%D8%AE%D8%A8%D8%B1/", "#p1"]


def test_the_signature_is_sigv4_of_the_request(api: Api, cloudfront: CloudFrontCdn) -> None:
    """Signed anew with the same keys, the request carries the same signature; with others another."""
    cloudfront.purge(urls=[PAGE])
    (asked,) = api.asked
    assert signature(asked, "wJalrXUt") == sent(asked)
    assert signature(asked, "another") != sent(asked)
    assert "Credential=AKIDEXAMPLE/" in asked.headers["authorization"]
    assert "/us-east-1/cloudfront/aws4_request" in asked.headers["authorization"]


def sent(asked: Asked) -> str:
    found = re.search(r"Signature=([0-9a-f]{64})", asked.headers["authorization"])
    assert found
    return found[1]


def signature(asked: Asked, secret: str) -> str:
    """By botocore's own signer, over the headers that were signed and the body that came."""
    signed = re.search(r"SignedHeaders=([^,]+)", asked.headers["authorization"])
    assert signed
    headers = {name: asked.headers[name] for name in signed[1].split(";")}
    request = AWSRequest("POST", f"http://{asked.headers['host']}{asked.path}", headers, asked.body)
    request.context["timestamp"] = asked.headers["x-amz-date"]
    signer = SigV4Auth(Credentials("AKIDEXAMPLE", secret), "cloudfront", "us-east-1")
    return str(signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request))


def test_each_batch_has_a_reference_of_its_own(api: Api, cloudfront: CloudFrontCdn) -> None:
    """CloudFront takes a repeated reference for a repeated request, so a later purge needs another."""
    for _ in range(2):
        cloudfront.purge(urls=[PAGE])
    first, second = (re.search(rb"<CallerReference>(.+?)<", asked.body) for asked in api.asked)
    assert first
    assert second
    assert first[1] != second[1]


def test_a_request_repeated_after_trouble_keeps_its_reference(api: Api, cloudfront: CloudFrontCdn) -> None:
    """The client's own second attempt is the same invalidation: it is charged once."""
    api.will_answer(failure(503, "ServiceUnavailable"), CREATED)
    cloudfront.purge(urls=[PAGE])
    first, second = api.asked
    assert first.body == second.body


def test_nothing_is_no_request(api: Api, cloudfront: CloudFrontCdn) -> None:
    """An empty batch is not sent: CloudFront refuses those."""
    cloudfront.purge(urls=[])
    assert api.asked == []


@pytest.mark.parametrize("code", ["TooManyInvalidationsInProgress", "Throttling"])
def test_too_many_invalidations_is_busy(api: Api, cloudfront: CloudFrontCdn, code: str) -> None:
    """What passes once others have ended comes again later, in CloudFront's own words."""
    api.will_answer(failure(400, code))
    with pytest.raises(CdnBusy, match=f"{code}: in its own words") as busy:
        cloudfront.purge(urls=[PAGE])
    assert busy.value.seconds > 0


def test_trouble_at_aws_is_tried_again(api: Api, cloudfront: CloudFrontCdn) -> None:
    """5xx may pass."""
    api.will_answer(failure(500, "InternalFailure"))
    with pytest.raises(CdnUnavailable, match="InternalFailure"):
        cloudfront.purge(urls=[PAGE])


def test_no_answer_is_tried_again() -> None:
    """An address where nobody listens is CdnUnavailable."""
    nowhere = f"http://127.0.0.1:{free_port()}"
    with (
        closing(
            CloudFrontCdn(distribution="E", access_key="a", secret_key="b", by_tag=False, api=nowhere)
        ) as edge,
        pytest.raises(CdnUnavailable),
    ):
        edge.purge(urls=[PAGE])


@pytest.mark.parametrize(
    ("status", "code", "setting"),
    [
        (403, "SignatureDoesNotMatch", "NASHR_CDN_SECRET_KEY"),
        (403, "AccessDenied", "NASHR_CDN_ACCESS_KEY"),
        (404, "NoSuchDistribution", "NASHR_CDN_ID"),
        (400, "InvalidArgument", "NASHR_CDN_ID"),
    ],
)
def test_refusals_name_their_setting(
    api: Api, cloudfront: CloudFrontCdn, status: int, code: str, setting: str
) -> None:
    """What trying again cannot mend is permanent and says which setting to look at."""
    api.will_answer(failure(status, code))
    with pytest.raises(CdnRefused, match=f"{code}: in its own words.*{setting}"):
        cloudfront.purge(urls=[PAGE])


def test_limits_say_that_it_costs(cloudfront: CloudFrontCdn) -> None:
    """Each item is charged, folders have two names, and pages therefore expire after a minute."""
    assert cloudfront.limits.charged
    assert cloudfront.limits.both_names
    assert "s-maxage=60" in cloudfront.limits.page_cache
