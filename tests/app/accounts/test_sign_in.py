"""Signing in and out: server-side sessions, lock-out, one-time codes, the first password."""

import threading
from datetime import timedelta

import pyotp
import pytest
from sqlalchemy import event, func, select, update

from app.accounts.people.tables import ApiToken
from app.accounts.sessions import rules, service
from app.accounts.sessions.rules import SignInRefused
from app.accounts.sessions.tables import SignInSession
from app.kernel import clock
from app.kernel.db import commit
from tests.app.accounts.conftest import PASSWORD


def rows(mall):
    with mall.session() as session:
        return session.scalar(select(func.count()).select_from(SignInSession))


@pytest.mark.both_databases
def test_the_right_password_opens_a_session_whose_secret_is_not_kept(mall):
    browser = mall.browser()
    answer = browser.sign_in("buyer", next="/account")
    assert (answer.status_code, answer.location) == (303, "/account")
    cookie = next(line for line in answer.headers.getlist("Set-Cookie") if line.startswith("mall_session="))
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie
    with mall.session() as session:
        (kept,) = session.scalars(select(SignInSession.token_hash)).all()
    assert kept != browser.cookie() and len(kept) == 64
    assert "经办人" in browser.get("/account").get_data(as_text=True)


def test_a_way_on_leads_only_to_pages_of_ours(mall):
    for wanted in ("https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"):
        assert mall.browser().sign_in("buyer", next=wanted).location == "/workbench"


def test_every_reason_gets_the_same_answer_and_no_session(mall):
    mall.change(mall.stranger_id, state="disabled")
    answers = [
        mall.browser().sign_in(login, password)
        for login, password in (("buyer", "wrong"), ("nobody", PASSWORD), ("stranger", PASSWORD), ("x" * 40, "wrong"))
    ]
    assert {answer.status_code for answer in answers} == {401}
    texts = {answer.get_data(as_text=True).count("账号、密码或动态口令不正确，或账号已锁定、停用") for answer in answers}
    assert texts == {1} and rows(mall) == 0


@pytest.mark.both_databases
def test_the_fifth_failure_locks_for_fifteen_minutes_even_for_the_right_password(mall):
    for _ in range(5):
        assert mall.browser().sign_in("buyer", "wrong").status_code == 401
    assert mall.browser().sign_in("buyer").status_code == 401
    person = mall.person(mall.buyer_id)
    assert person.failures == 5
    assert timedelta(minutes=14) < person.locked_until - clock.wall_now() <= timedelta(minutes=15)
    mall.change(mall.buyer_id, locked_until=clock.wall_now() - timedelta(seconds=1))
    assert mall.browser().sign_in("buyer", "wrong").status_code == 401
    assert mall.person(mall.buyer_id).failures == 1
    assert mall.browser().sign_in("buyer").status_code == 303
    assert (mall.person(mall.buyer_id).failures, mall.person(mall.buyer_id).locked_until) == (0, None)


@pytest.mark.both_databases
def test_twenty_attempts_at_once_are_five_comparisons(mall):
    let_through = []

    def knock() -> None:
        with mall.session() as session, commit(session):
            if service.knock(session, "buyer").person_id is not None:
                let_through.append(1)

    threads = [threading.Thread(target=knock) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(let_through) == 5 and mall.person(mall.buyer_id).failures == 5


def test_signing_in_again_gives_another_secret_and_ends_the_old_one(mall):
    browser = mall.browser("buyer")
    first = browser.cookie()
    with mall.session() as session, commit(session):
        secret = service.admit(session, rules.Proven(mall.buyer_id, None, must_change_password=False), instead_of=first)
    assert secret != first
    assert browser.get("/account").status_code == 303


def test_a_cookie_planted_before_signing_in_is_not_taken_over(mall):
    browser = mall.browser()
    browser.client.set_cookie("mall_session", "planted-by-somebody-else")
    browser.sign_in("buyer")
    assert browser.cookie() != "planted-by-somebody-else"


def test_signing_out_kills_the_cookie_on_the_server(mall):
    browser = mall.browser("buyer")
    kept = browser.cookie()
    browser.post("/sign-out", "/account/password")
    assert browser.cookie() is None
    browser.client.set_cookie("mall_session", kept)
    assert browser.get("/account").status_code == 303


@pytest.mark.parametrize(("column", "ago"), [("seen_at", timedelta(minutes=31)), ("created_at", timedelta(hours=12, seconds=1))])
def test_a_session_ends_after_thirty_idle_minutes_or_twelve_hours(mall, column, ago):
    browser = mall.browser("buyer")
    with mall.session() as session, commit(session):
        session.execute(update(SignInSession).values({column: clock.wall_now() - ago}))
    assert browser.get("/account").status_code == 303


def test_the_clock_of_the_training_province_ends_no_session(mall):
    browser = mall.browser("buyer")
    clock.advance(timedelta(days=7))
    assert browser.get("/account").status_code == 200


def test_loading_the_person_takes_one_statement_and_use_is_noted_once_a_minute(mall):
    from app.web.extensions import db

    browser = mall.browser("buyer")
    statements = []
    with mall.app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", lambda _c, _k, statement, *_: statement != "BEGIN" and statements.append(statement))
    browser.get("/account/password")
    assert len([each for each in statements if "sign_in_sessions" in each]) == 1
    old = clock.wall_now() - timedelta(minutes=5)
    with mall.session() as session, commit(session):
        session.execute(update(SignInSession).values(seen_at=old))
    browser.get("/account/password")
    statements.clear()
    browser.get("/account/password")
    assert len([each for each in statements if "sign_in_sessions" in each]) == 1
    with mall.session() as session:
        assert session.scalars(select(SignInSession.seen_at)).one() > old


@pytest.mark.both_databases
def test_a_one_time_code_is_asked_for_and_taken_only_once(mall):
    secret = rules.new_secret()
    mall.change(mall.buyer_id, totp_secret=secret)
    assert mall.browser().sign_in("buyer").status_code == 401
    code = pyotp.TOTP(secret).at(clock.wall_now())
    assert mall.browser().sign_in("buyer", code=code).status_code == 303
    assert mall.browser().sign_in("buyer", code=code).status_code == 401
    proven = rules.Proven(mall.buyer_id, mall.person(mall.buyer_id).totp_last_step, must_change_password=False)
    with mall.session() as session, pytest.raises(SignInRefused), commit(session):
        service.admit(session, proven)


def test_codes_of_the_neighbouring_half_minutes_count_but_no_others():
    secret, now = rules.new_secret(), clock.wall_now()
    present = int(now.timestamp()) // 30
    make = pyotp.TOTP(secret).generate_otp
    assert [rules.totp_step(secret, make(present + i), now) for i in (-1, 0, 1)] == [present - 1, present, present + 1]
    assert rules.totp_step(secret, make(present), now, last=present) is None
    assert rules.totp_step(secret, "12345", now) is None and rules.totp_step(secret, "１２３４５６", now) is None


def test_enrolling_shows_a_qr_code_and_wants_a_code_before_it_counts(mall):
    browser = mall.browser("buyer")
    page = browser.get("/account/second-factor").get_data(as_text=True)
    assert "<svg" in page and " style=" not in page.split("<svg", 1)[1].split("</svg>")[0]
    assert browser.post("/account/second-factor", "/account/second-factor", code="000000").status_code == 422
    assert mall.person(mall.buyer_id).totp_secret is None
    with browser.client.session_transaction() as kept:
        secret = kept["totp_draft"]
    code = pyotp.TOTP(secret).at(clock.wall_now())
    assert browser.post("/account/second-factor", "/account/second-factor", code=code).status_code == 303
    assert mall.person(mall.buyer_id).totp_secret == secret
    refused = browser.post("/account/second-factor/drop", "/account/second-factor", password=PASSWORD, code=code)
    assert refused.status_code == 422
    following = pyotp.TOTP(secret).generate_otp(int(clock.wall_now().timestamp()) // 30 + 1)
    assert browser.post("/account/second-factor/drop", "/account/second-factor", password=PASSWORD, code=following).status_code == 303
    assert mall.person(mall.buyer_id).totp_secret is None


def test_a_temporary_password_opens_nothing_but_the_page_to_change_it(mall):
    mall.change(mall.buyer_id, must_change_password=True)
    browser = mall.browser()
    assert browser.sign_in("buyer").location == "/account/password"
    assert browser.get("/account").location == "/account/password"
    weak = browser.post("/account/password", "/account/password", current=PASSWORD, new="password12345", again="password12345")
    assert weak.status_code == 422 and "密码至少 10 位" in weak.get_data(as_text=True)
    new = "stone-bridge-42-tea"
    assert browser.post("/account/password", "/account/password", current=PASSWORD, new=new, again=new).location == "/workbench"
    assert browser.get("/account").status_code == 200
    assert mall.browser().sign_in("buyer").status_code == 401
    answer = mall.app.test_client().post("/api/v1/tokens", json={"login": "buyer", "password": new})
    assert answer.status_code == 201


def test_a_temporary_password_gives_no_token(mall):
    mall.change(mall.buyer_id, must_change_password=True)
    answer = mall.app.test_client().post("/api/v1/tokens", json={"login": "buyer", "password": PASSWORD})
    assert (answer.status_code, answer.json["code"]) == (403, "password.change_first")
    with mall.session() as session:
        assert session.scalar(select(func.count()).select_from(ApiToken)) == 0


def test_changing_the_password_ends_every_other_session(mall):
    here, elsewhere = mall.browser("buyer"), mall.browser("buyer")
    before, new = here.cookie(), "stone-bridge-42-tea"
    assert here.post("/account/password", "/account/password", current=PASSWORD, new=new, again=new).status_code == 303
    assert here.get("/account").status_code == 200 and here.cookie() != before
    assert elsewhere.get("/account").status_code == 303


def test_a_person_ends_his_other_session_and_nobody_elses(mall):
    here, elsewhere, stranger = mall.browser("buyer"), mall.browser("buyer"), mall.browser("stranger")
    with mall.session() as session:
        ids = list(session.scalars(select(SignInSession.id).order_by(SignInSession.id)))
    assert here.post(f"/account/sessions/{ids[2]}/end", "/account").status_code == 404
    assert here.post(f"/account/sessions/{ids[1]}/end", "/account").status_code == 303
    assert elsewhere.get("/account").status_code == 303
    assert stranger.get("/account").status_code == 200


def test_a_form_without_its_token_is_refused(mall):
    assert mall.app.test_client().post("/sign-in", data={"login": "buyer", "password": PASSWORD}).status_code == 400


def test_the_tour_opens_real_sessions(mall):
    with mall.session() as session, commit(session):
        secret = service.open_for(session, mall.buyer_id)
    browser = mall.browser()
    browser.client.set_cookie("mall_session", secret)
    assert browser.get("/account").status_code == 200
