"""Everything is served under the API's major version, and nothing beside it."""

import pytest
from flask.testing import FlaskClient

import clients.operator.wire
import clients.player.wire
from shared.edge.mount import DOCS, ROOT, mounted
from tools.contracts.services import application, services
from tools.stack.settings import API_ROOT

TOKEN = {"Authorization": "Bearer urkraft:caseworker"}
BESIDE = "http://localhost/"


@pytest.fixture(params=list(services()))
def client(request: pytest.FixtureRequest) -> FlaskClient:
    return application(request.param).test_client()


def test_everybody_names_the_same_version() -> None:
    assert {API_ROOT, clients.operator.wire.ROOT, clients.player.wire.ROOT} == {ROOT}


def test_the_front_door_leads_to_the_documentation(client: FlaskClient) -> None:
    answer = client.get("/", base_url=BESIDE)
    assert (answer.status_code, answer.headers["Location"]) == (302, DOCS)
    assert client.get(DOCS, base_url=BESIDE).status_code == 200
    assert client.get("/?a=1", base_url=BESIDE).status_code == 422


@pytest.mark.parametrize("path", ["/openapi.json", "/docs", "/operations/status", "/v10/docs", "/V1/docs"])
def test_without_a_version_nothing_is_there(client: FlaskClient, path: str) -> None:
    answer = client.get(path, base_url=BESIDE)
    assert (answer.status_code, answer.mimetype) == (401, "application/problem+json")


def test_the_mount_splits_the_path_and_nothing_else() -> None:
    seen: list[tuple[str, str]] = []

    def inner(environ: dict[str, object], _: object) -> list[bytes]:
        seen.append((str(environ.get("SCRIPT_NAME", "")), str(environ["PATH_INFO"])))
        return []

    for path in (f"{ROOT}/a/b", ROOT, f"{ROOT}/", "/a", f"{ROOT}a", f"/{ROOT}/a"):
        mounted(inner)({"SCRIPT_NAME": "", "PATH_INFO": path}, lambda *_: None)
    assert seen == [(ROOT, "/a/b"), (ROOT, ""), (ROOT, "/"), ("", "/a"), ("", f"{ROOT}a"), ("", f"/{ROOT}/a")]
