"""The review page asked over HTTP: what it keeps, what it refuses, and what it survives."""

from __future__ import annotations

import os
import re
import signal
import socket
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from kb.review.log import DecisionLog
from miner.errors import ReviewError
from reports.review import patience
from reports.review.server import listen
from tests.desks import drawn_desk
from tests.review_server import Client, serving, started

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reports.review.desk import Desk

FIRST = "P000000000000"
TOKEN = "a-token-of-enough-letters"  # noqa: S105 - of a test
N_DECISIONS = 1_000
VIEWS = ["/queue", "/schema", "/schema/Drawn.Kind00", "/graph", "/graph.json?type=Drawn.Kind00", "/coverage", "/compare", "/search?q=car", "/history", "/export", "/photo/0"]  # fmt: skip
EVIL = '<script>alert(1)</script><img src=x onerror=alert(2)>" onmouseover="alert(3)'


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return drawn_desk(tmp_path)


@pytest.fixture
def client(desk: Desk) -> Iterator[Client]:
    with serving(desk) as client:
        yield client


@pytest.mark.parametrize("path", VIEWS)
def test_every_view_answers_and_is_sealed(client: Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status == 200
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert " style=" not in answer.text
    assert " onclick=" not in answer.text


def test_decision_is_in_the_log_before_the_answer(client: Client, desk: Desk, tmp_path: Path) -> None:
    answer = client.decide("accept", FIRST, back="type=Drawn.Kind00")
    assert answer.status == 303
    assert answer.headers["location"].startswith("/queue?type=Drawn.Kind00&p=P00000000000c&done=D")
    assert [d.action for d in DecisionLog(tmp_path / "decisions.jsonl").read()] == ["accept"]
    assert desk.review.state[FIRST].status == "accepted"


@pytest.mark.parametrize("path", [*VIEWS, "/patch/0", "/picture/0", "/thumbnail/0"])
def test_nothing_of_a_run_that_was_made_again_is_shown(tmp_path: Path, path: str) -> None:
    changed: list[bool] = []
    desk = replace(drawn_desk(tmp_path), is_current=lambda: not changed)
    with serving(desk) as client:
        assert client.get(path).status == 200
        changed.append(True)
        answer = client.get(path)
        assert answer.status == 410
        assert "start it again" in answer.text
        assert client.decide("accept", FIRST).status == 410
    assert not desk.review.journal.read()


def test_every_action_of_the_page_reaches_the_state(client: Client, desk: Desk) -> None:
    records = [desk.review.state.mined.records[row] for row in desk.review.state.evidence_rows(FIRST)[:2]]
    client.decide("rename", FIRST, name="burning car")
    client.decide("set-role", FIRST, role="Place")
    client.decide("note", FIRST, text="see also\nthe boat")
    client.decide("split", FIRST, records=records, name="two cars")
    client.decide("merge", FIRST, others=["P00000000000c"])
    client.decide("move", FIRST, eventType="Drawn.Kind05")
    client.decide("reject", FIRST, reason="it mixes things")
    own = desk.review.state[FIRST]
    assert (own.name, own.role, own.event_type, own.status) == ("burning car", "Place", "Drawn.Kind05", "rejected")
    assert (own.reason, own.members, own.notes[0].text) == ("it mixes things", ["P00000000000c"], "see also\nthe boat")
    assert [p.name for p in desk.review.state.patterns.values() if p.split_from == FIRST] == ["two cars"]
    client.decide("set-role", FIRST, role="")
    assert desk.review.state[FIRST].role is None
    client.decide("undo")
    assert desk.review.state[FIRST].role == "Place"
    client.decide("redo")
    assert desk.review.state[FIRST].role is None
    assert "took its role away" in client.get("/history").text


def test_a_pattern_of_another_page_can_be_merged(tmp_path: Path) -> None:
    with serving(drawn_desk(tmp_path, n_patterns=780)) as client:
        page = client.get(f"/queue?p={FIRST}&type=Drawn.Kind00").text
        listed = page.partition('<ol class="rows"')[2].partition("</ol>")[0]
        offered = page.partition('id="merge"')[2].partition("</dialog>")[0]
        assert FIRST in listed
        assert f"P{768:012x}" not in listed
        assert f'<option value="P{768:012x}">' in offered
        assert f'<option value="{FIRST}">' not in offered


def test_reviewers_have_names_and_their_conflicts_show(client: Client, desk: Desk) -> None:
    client.decide("accept", FIRST)
    other = Client(client.address)
    assert other.post("/me", {"name": "Bénédicte <b>"}).status == 303
    other.decide("reject", FIRST, reason="")
    assert [d.who for d in desk.review.journal.read()] == ["ana", "Bénédicte <b>"]
    page = other.get("/queue?status=conflict").text
    assert "No agreement on the verdict" in page
    assert "Bénédicte &lt;b&gt;" in page
    pulse = client.get("/pulse?since=1").text
    assert '"n":1' in pulse
    assert "Bénédicte" in pulse.encode().decode("unicode_escape") or "Bénédicte" in pulse


def test_refused_decisions_say_why_and_keep_nothing(client: Client, desk: Desk) -> None:
    for answer in (
        client.decide("accept", "P-nobody"),
        client.decide("fly", FIRST),
        client.decide("move", FIRST, eventType="No.Such"),
        client.decide("set-role", FIRST, role="King"),
        client.decide("rename", FIRST, name="x" * 5_000),
        client.decide("undo"),
    ):
        assert answer.status == 409
        assert '<p id="reason"' in answer.text
        assert "Traceback" not in answer.text
    assert desk.review.journal.read() == ()


def test_another_origin_may_not_write(client: Client, desk: Desk) -> None:
    form = {"action": "accept", "pattern": FIRST}
    body = "action=accept&pattern=" + FIRST
    assert client.post("/decide", form, Origin="http://evil.example").status == 403
    assert client.post("/decide", form, Origin="null").status == 403
    assert client.post("/decide", form, Origin=f"https://{client.host}:{client.port}").status == 403
    assert client.ask("POST", "/decide", body).status == 403
    assert client.ask("POST", "/decide", body, {"Sec-Fetch-Site": "cross-site"}).status == 403
    assert client.get("/decide").status == 405
    assert desk.review.journal.read() == ()
    assert client.ask("POST", "/decide", body, {"Sec-Fetch-Site": "same-origin"}).status == 303


def test_a_name_that_was_rebound_is_not_answered(client: Client) -> None:
    for host in (
        "evil.example",
        f"evil.example:{client.port}",
        "localhost.evil.example",
        "",
        "[",
        "evil.example:80:80",
    ):
        assert client.ask("GET", "/queue", headers={"Host": host}).status == 421
    for host in (f"localhost:{client.port}", "127.0.0.1", f"[::1]:{client.port}"):
        assert client.ask("GET", "/queue", headers={"Host": host}).status == 200


def test_token_is_asked_for_everywhere_and_let_in_once(desk: Desk) -> None:
    with serving(desk, token=TOKEN) as client:
        for path in (*VIEWS, "/patch/0", "/picture/0", "/static/review.js", "/pulse"):
            assert client.get(path).status == 401
        assert client.decide("accept", FIRST).status == 401
        assert client.get("/queue?token=wrong").status == 401
        answer = client.get(f"/queue?type=Drawn.Kind01&token={TOKEN}")
        assert (answer.status, answer.headers["location"]) == (303, "/queue?type=Drawn.Kind01")
        assert "HttpOnly" in answer.headers["set-cookie"]
        assert "samesite=strict" in answer.headers["set-cookie"].lower()
        assert client.get("/queue").status == 200
        assert client.decide("accept", FIRST).status == 303


def test_the_way_in_leads_nowhere_else(desk: Desk) -> None:
    with serving(desk, token=TOKEN) as client:
        for path in ("//evil.example/", "/%5Cevil.example/", "/%2F%2Fevil.example"):
            location = client.get(f"{path}?token={TOKEN}").headers.get("location", "/")
            assert re.match(r"/(?![/\\])", location)


def test_pictures_are_rows_and_nothing_else(client: Client, tmp_path: Path) -> None:
    (tmp_path / "secret.jpg").write_bytes(b"\xff\xd8secret")
    for path in ("/picture/../secret.jpg", "/picture/..%2Fsecret.jpg", "/picture/-1", "/picture/999999", "/picture/0x1", "/patch/1e3",
                 "/patch/99999999999999999999", "/static/../guard.py", "/static/..%2fguard.py", "/heat/a", "/picture/0/../../../etc/passwd"):  # fmt: skip
        answer = client.get(path)
        assert answer.status in {404, 400}
        assert b"secret" not in answer.body
    for path, kind in (
        ("/picture/0", "image/jpeg"),
        ("/patch/0", "image/jpeg"),
        ("/heat/0", "image/png"),
        ("/thumbnail/1", "image/jpeg"),
    ):
        answer = client.get(path)
        assert (answer.status, answer.headers["content-type"]) == (200, kind)
        assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "image", ["../secret.jpg", "/etc/passwd", "..\\secret.jpg", "http://127.0.0.1:1/a.jpg", "link.jpg", "evil.svg"]
)
def test_paths_of_a_hostile_corpus_stay_in_it(tmp_path: Path, image: str) -> None:
    (tmp_path / "secret.jpg").write_bytes(b"\xff\xd8secret")
    desk = drawn_desk(tmp_path, image=image)
    (tmp_path / "corpus" / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    (tmp_path / "corpus" / "evil.svg").write_text(
        "<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
    )
    with serving(desk) as client:
        answer = client.get("/picture/0")
        assert answer.headers["content-type"] == "image/jpeg"
        assert answer.body.startswith(b"\xff\xd8\xff")
        assert b"secret" not in answer.body
        assert b"script" not in answer.body


@pytest.mark.parametrize(
    "caption",
    [EVIL, "x" * 10_000_000, "\x00\x1b[2J\u202e" + EVIL, "{{ 7 * 7 }}{% raw %}"],
    ids=["script", "long", "control", "template"],
)
def test_hostile_captions_do_nothing(tmp_path: Path, caption: str) -> None:
    n_images = 24 if len(caption) > 1_000_000 else 240
    with serving(drawn_desk(tmp_path, caption=caption, n_images=n_images)) as client:
        for path in ("/queue", "/photo/0", "/search?q=alert", "/search?q=x", "/coverage"):
            answer = client.get(path)
            assert answer.status == 200
            assert len(answer.body) < 400_000
            assert "<script>alert" not in answer.text
            assert 'onerror=alert(2)>"' not in answer.text
            assert "\x1b" not in answer.text
            assert "49" not in re.findall(r"<mark>(.*?)</mark>", answer.text)


def test_hostile_names_do_nothing(client: Client) -> None:
    client.decide("rename", FIRST, name=EVIL)
    client.decide("note", FIRST, text=EVIL * 10)
    client.decide("accept", FIRST)
    for path in (
        "/queue?status=all",
        f"/queue?status=all&p={FIRST}",
        "/schema",
        "/schema/Drawn.Kind00",
        "/history",
        "/graph?type=Drawn.Kind00",
        f"/search?q={'%3Cscript'}",
    ):
        text = client.get(path).text
        assert "<script>alert" not in text
        assert "onerror=alert(2)&gt;" in text or "onerror" not in text
    assert client.get("/graph.json?type=Drawn.Kind00").headers["content-type"] == "application/json"


def test_too_much_is_refused(client: Client) -> None:
    assert client.post("/decide", {"action": "note", "pattern": FIRST, "text": "x" * 1_000_000}).status == 413
    assert client.get("/queue?type=" + "x" * 20_000).status in {400, 414}
    answer = client.ask("POST", "/decide", b"action=accept&pattern=%ff%fe" * 100, {"Origin": client.origin})
    assert answer.status in {409, 403}


@pytest.mark.parametrize(
    "begun",
    [b"", b"GET /queue HTTP/1.1\r\nHost: localhost\r\nX-Slow: ", b"POST /decide HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\nContent-Length: 99\r\n\r\nact"],
    ids=["nothing", "headers", "body"],
)  # fmt: skip
def test_whoever_never_finishes_asking_is_cut_off(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, begun: bytes
) -> None:
    monkeypatch.setattr(patience, "PATIENCE_S", 0.2)
    with serving(desk) as client:
        with socket.create_connection((client.host, client.port), timeout=10) as slow:
            slow.sendall(begun)
            with suppress(ConnectionResetError):
                assert slow.recv(1) == b""
        assert client.get("/queue").status == 200
    assert "failed" not in caplog.text


def test_failures_say_nothing_of_the_inside(client: Client, desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    object.__setattr__(desk.review, "journal", None)
    answer = client.get("/queue")
    assert answer.status == 500
    assert "Traceback" not in answer.text
    assert "NoneType" not in answer.text
    assert "NoneType" in caplog.text


def test_export_has_accepted_patterns_only(client: Client) -> None:
    client.decide("rename", FIRST, name="burning car")
    client.decide("accept", FIRST)
    client.decide("reject", "P000000000001")
    answer = client.get("/export/names")
    assert answer.text == "burning car"
    assert "attachment" in answer.headers["content-disposition"]
    assert client.get("/export/..%2F..%2Fsecret").status == 404


def test_comparison_finds_the_same_patterns(client: Client) -> None:
    text = client.get("/compare?run=other").text
    assert "<strong>24</strong> patterns are in both, <strong>0</strong> only here" in text
    assert client.get("/compare?run=/etc").status == 200


def test_patches_are_kept_on_disk_only_when_looked_at(client: Client, tmp_path: Path) -> None:
    assert not (tmp_path / "patches").exists()
    first = client.get("/patch/5").body
    kept = list((tmp_path / "patches").rglob("*.jpg"))
    assert len(kept) == 1
    assert kept[0].read_bytes() == first == client.get("/patch/5").body


@pytest.mark.slow
def test_a_thousand_decisions_survive_a_kill(tmp_path: Path) -> None:
    with started("-m", "tests.desks", str(tmp_path), "--patterns", "100") as (process, address):
        client, told = Client(address), []
        for number in range(N_DECISIONS):
            answer = client.decide("note", f"P{number % 100:012x}", text=f"note {number}")
            assert answer.status == 303
            told.append(f"note {number}")
        os.kill(process.pid, signal.SIGKILL)
        process.wait(10)
    assert [d.fields["text"] for d in DecisionLog(tmp_path / "decisions.jsonl").read()] == told
    with started("-m", "tests.desks", str(tmp_path), "--patterns", "100") as (_, address):
        assert f"note {N_DECISIONS - 1}" in Client(address).get("/history").text


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_it_gracefully(tmp_path: Path, sign: signal.Signals) -> None:
    with started("-m", "tests.desks", str(tmp_path)) as (process, address):
        Client(address).get("/queue")
        process.send_signal(sign)
        assert process.wait(20) in {0, 130, -signal.SIGTERM}
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()


def test_a_port_in_use_is_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ReviewError, match="is in use") as caught:
            listen(port=taken.getsockname()[1])
    assert caught.value.hint is not None
    assert "--port" in caught.value.hint


def test_a_server_for_others_has_a_token() -> None:
    with listen("0.0.0.0") as listening:  # noqa: S104 - the point of the test
        assert len(listening.token) >= 32
        assert listening.token in listening.address
    with listen() as listening:
        assert listening.token == ""
        assert listening.address.startswith("http://127.0.0.1:")
    with pytest.raises(ReviewError, match="at least 16"):
        listen("0.0.0.0", token="short")  # noqa: S104, S106 - the point of the test
    with pytest.raises(ReviewError, match="no port 70000"):
        listen(port=70_000)
    with pytest.raises(ReviewError, match="no host of this machine"):
        listen("no.such.host.invalid")
