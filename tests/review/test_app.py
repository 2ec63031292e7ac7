"""Claims about who may ask the server of a review."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from selfpaced._review.app import HEADERS, MOST_BYTES, make_app
from selfpaced._review.desk import Desk, open_desk

HOST = "127.0.0.1:8123"
KEEP: dict[str, Any] = {"place": "1", "action": "keep", "label": None, "new": False, "drawn": False}


@pytest.fixture
def desk(folder_of: Callable[..., Path]) -> Desk:
    return open_desk(folder_of(), "ann")


@pytest.fixture
def client(desk: Desk) -> TestClient:
    return TestClient(make_app(desk, "secret", 8123), base_url=f"http://{HOST}")


def post(client: TestClient, what: str, told: object = KEEP, **headers: str) -> Any:
    given = {"Origin": f"http://{HOST}", "Content-Type": "application/json", **headers}
    return client.post(f"/secret/{what}", json=told, headers=given)


def test_the_page_and_its_answers_are_for_this_reader_alone(client: TestClient) -> None:
    shown = client.get("/secret/")
    assert shown.status_code == 200
    assert "Reviewed by <bdi>ann</bdi>" in shown.text
    assert "connect-src 'self'" in shown.text
    for response in (shown, client.get("/secret/state"), post(client, "decide")):
        assert {name: response.headers[name] for name in HEADERS} == HEADERS
        assert "access-control-allow-origin" not in response.headers


@pytest.mark.parametrize("token", ["wrong", "secre", "secrets", "%ff", "SECRET"])
def test_a_wrong_token_is_refused(client: TestClient, desk: Desk, token: str) -> None:
    assert client.get(f"/{token}/").status_code == 403
    assert client.get(f"/{token}/state").status_code == 403
    headers = {"Origin": f"http://{HOST}"}
    assert client.post(f"/{token}/decide", json=KEEP, headers=headers).status_code == 403
    assert client.get("/").status_code == 404
    assert desk.decisions.latest() == {}


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1", "127.0.0.1:80", "localhost.evil:8123"]
)
def test_a_name_that_leads_here_is_refused(client: TestClient, desk: Desk, host: str) -> None:
    assert client.get("/secret/", headers={"Host": host}).status_code == 421
    response = post(client, "decide", Host=host, Origin=f"http://{host}")
    assert response.status_code == 421
    assert "the address that selfpaced review printed" in response.text
    assert desk.decisions.latest() == {}


@pytest.mark.parametrize("origin", ["null", "http://evil.example", f"https://{HOST}", ""])
def test_a_page_of_another_site_cannot_decide(client: TestClient, desk: Desk, origin: str) -> None:
    for what in ("decide", "undo"):
        assert post(client, what, Origin=origin).status_code == 403
    assert desk.decisions.latest() == {}


def test_a_form_cannot_decide(client: TestClient, desk: Desk) -> None:
    assert post(client, "decide", **{"Content-Type": "text/plain"}).status_code == 415
    headers = {"Origin": f"http://{HOST}"}
    assert client.post("/secret/decide", data={"place": "1"}, headers=headers).status_code == 415
    assert desk.decisions.latest() == {}


def test_decisions_need_a_post(client: TestClient) -> None:
    assert client.get("/secret/decide").status_code == 405
    assert client.get("/secret/undo").status_code == 405


def test_a_decision_is_saved_before_it_is_answered(client: TestClient, desk: Desk) -> None:
    assert post(client, "decide").json()["left"] == 11
    assert desk.decisions.latest()["1"]["ann"].action == "keep"
    assert post(client, "undo", {}).json()["place"] == "1"
    assert client.get("/secret/state").json()["left"] == 12


@pytest.mark.parametrize(
    ("told", "status", "error"),
    [
        ({**KEEP, "place": "99"}, 404, "There is no row '99' in the list"),
        ({**KEEP, "action": "burn"}, 400, "A decision is one of keep, change, unsure"),
        ("text", 400, "A decision has the keys"),
        ({**KEEP, "action": "change", "label": "x" * MOST_BYTES}, 400, "A decision has the keys"),
    ],
)
def test_what_cannot_be_decided_is_an_error_that_says_why(
    client: TestClient, told: object, status: int, error: str
) -> None:
    response = post(client, "decide", told)
    assert response.status_code == status
    assert error in response.json()["error"]


def test_a_body_that_is_no_json_is_refused(client: TestClient) -> None:
    headers = {"Origin": f"http://{HOST}", "Content-Type": "application/json"}
    for body in (b"", b"{", b"\xff\xfe", b"[" * 100_000):
        assert client.post("/secret/decide", content=body, headers=headers).status_code == 400


def test_a_run_that_was_replaced_is_a_conflict(client: TestClient, desk: Desk) -> None:
    (desk.folder / "config.json").unlink()
    response = post(client, "decide")
    assert response.status_code == 409
    assert "Start the review again" in response.json()["error"]


def test_a_disk_that_is_full_is_said_to_be_one(
    client: TestClient, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError("database or disk is full")

    monkeypatch.setattr(type(desk.decisions), "add", full)
    response = post(client, "decide")
    assert response.status_code == 507
    assert response.json()["error"] == "Nothing was saved: database or disk is full"


def test_two_servers_on_one_run_lose_no_decision(desk: Desk, client: TestClient) -> None:
    bob = open_desk(desk.folder, "bob")
    other = TestClient(make_app(bob, "secret", 8123), base_url=f"http://{HOST}")
    for place in range(1, 13):
        asked = {**KEEP, "place": str(place)}
        post(client, "decide", asked)
        change = {**asked, "action": "change", "label": "fish"}
        post(other, "decide", change if place % 2 else asked)
    latest = desk.decisions.latest()
    assert len(latest) == 12
    assert all(set(of_place) == {"ann", "bob"} for of_place in latest.values())
    state = client.get("/secret/state").json()
    assert state["decisions"]["1"]["bob"]["label"] == "fish"
    assert "6 where reviewers disagree" in state["sentences"][1]
