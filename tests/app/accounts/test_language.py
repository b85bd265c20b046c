"""The reader's language: chosen once, kept with the person, asked of the browser before that; programs say it each time."""

import pytest

ENGLISH = {"Accept-Language": "en-GB,en;q=0.9"}


def choose(browser, language, page="/", **more):
    return browser.post("/language", page, language=language, **more)


def test_a_visitor_reads_what_his_browser_asks_for(mall):
    assert "政府采购网上商城" in (chinese := mall.browser().get("/", headers={"Accept-Language": "fr"}).get_data(as_text=True))
    assert '<html lang="zh-CN"' in chinese
    english = mall.browser().get("/", headers=ENGLISH).get_data(as_text=True)
    assert '<html lang="en"' in english and "Government Procurement Mall" in english


def test_the_switch_leads_back_to_the_same_page_and_is_remembered_by_the_browser(mall):
    browser = mall.browser()
    answer = choose(browser, "en", page="/limits", next="/limits?on=2026-11-24")
    assert (answer.status_code, answer.location) == (303, "/limits?on=2026-11-24")
    assert "Limits" in browser.get("/limits").get_data(as_text=True)
    choose(browser, "zh")
    assert '<html lang="zh-CN"' in browser.get("/limits", headers=ENGLISH).get_data(as_text=True)


@pytest.mark.parametrize("elsewhere", ["https://example.org/", "//example.org/", "/\\example.org"])
def test_the_switch_leads_nowhere_else(mall, elsewhere):
    assert choose(mall.browser(), "en", next=elsewhere).location == "/"


@pytest.mark.both_databases
def test_a_persons_choice_follows_him_to_another_browser(mall):
    assert mall.person(mall.buyer_id).language is None
    choose(mall.browser("buyer"), "en", page="/account")
    assert mall.person(mall.buyer_id).language == "en"
    elsewhere = mall.browser("buyer")
    assert '<html lang="en"' in elsewhere.get("/account", headers={"Accept-Language": "zh-CN"}).get_data(as_text=True)
    assert mall.person(mall.admin_id).language is None


def test_a_language_without_texts_is_refused(mall):
    assert choose(mall.browser(), "fr").status_code == 422


def test_the_switch_needs_the_token_of_a_form(mall):
    assert mall.browser().client.post("/language", data={"language": "en"}).status_code == 400


def test_error_pages_speak_the_readers_language_and_offer_the_other(mall):
    page = mall.browser().get("/nowhere", headers=ENGLISH).get_data(as_text=True)
    assert "Not found" in page and 'value="zh"' in page


def test_a_program_is_answered_in_the_language_it_asks_for(mall):
    token = mall.token("buyer")
    choose(mall.browser("buyer"), "en", page="/account")
    asked = {language: mall.app.test_client().get("/api/v1/orders/none", headers={"Authorization": f"Bearer {token}", "Accept-Language": language}) for language in ("en", "zh")}
    assert asked["en"].get_json()["title"] == "Not found, or not yours to see"
    assert asked["zh"].get_json()["title"] == "没有找到，或您无权查看"
    assert asked["en"].get_json()["code"] == asked["zh"].get_json()["code"]


def test_caches_are_told_what_the_answer_depended_on(mall):
    answer = mall.browser().get("/", headers=ENGLISH)
    assert {"accept-language", "cookie"} <= {each.lower() for each in answer.vary}
    assert answer.headers["Content-Language"] == "en"
    with mall.browser().get("/static/css/mall.css") as sheet:
        assert "Content-Language" not in sheet.headers
