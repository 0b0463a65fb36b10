"""Signing in from outside: by link, by password, and what attackers try."""

from __future__ import annotations

import re
import time

from benchmarks.places import wait_until
from tests.system.browser import Browser
from tests.system.conftest import MakeSite, Site

JOE = "joe@example.org"


def link_in(content: bytes) -> str:
    found = re.search(rb"https?://\S+/sign-in/link/\w+", content)
    assert found is not None
    return found[0].decode()


def ask(browser: Browser, address: str, wanted: str = "") -> int:
    return browser.post("/sign-in", {"address": address, "next": wanted}).status


def test_link_by_mail_signs_in_once_and_in_any_browser(site: Site) -> None:
    asking, opening = Browser(site.gateway.url), Browser(site.gateway.url)
    asking.get("/sign-in?lang=de")
    assert ask(asking, "Joe+shop@Example.org", "/console/pending?box=joe") == 303
    (mail,) = site.around.inside.wait(JOE)
    assert b"\r\nContent-Language: de\r\n" in mail.content
    assert b"\r\nAuto-Submitted: auto-generated\r\n" in mail.content
    assert mail.reverse_path == ""
    link = link_in(mail.content)
    for _ in range(10):
        assert JOE in opening.get(link).text
    page = opening.post(link, {})
    assert page.status == 303
    assert page.location == f"{site.gateway.url}/console/pending?box=joe"
    assert "session" in opening.cookies
    assert "Signed in as" in opening.get("/console/account").text
    again = Browser(site.gateway.url)
    assert (again.get(link).status, again.post(link, {}).status) == (410, 410)
    assert "session" not in again.cookies
    # Neither the token nor the cookie is anywhere but where it belongs.
    log = site.gateway.log()
    assert link.rpartition("/")[2] not in log
    assert opening.cookies["session"] not in log
    store = (site.gateway.folder / "gateway.db").read_bytes() + (site.gateway.folder / "gateway.db-wal").read_bytes()
    assert link.rpartition("/")[2].encode() not in store
    assert opening.cookies["session"].encode() not in store


def test_link_may_be_asked_for_once_a_minute_whether_the_address_exists_or_not(make_site: MakeSite) -> None:
    site = make_site()
    browser = Browser(site.gateway.url)
    answers = {}
    for address in (JOE, "nobody@example.org", "someone@elsewhere.example"):
        first = browser.post("/sign-in", {"address": address})
        second = browser.post("/sign-in", {"address": address})
        sent = browser.get(first.location)
        text = second.text.replace(address, "ADDRESS")
        answers[address] = (
            first.status,
            first.location,
            second.status,
            re.sub(r"\d+ second", "N second", text),
            sent.text,
        )
    assert answers[JOE][:3] == (303, f"{site.gateway.url}/sign-in/sent", 429)
    assert len(set(answers.values())) == 1
    # Kept in the store: a restart forgives nothing.
    assert ask(browser, "late@example.org") == 303
    site.gateway.stop()
    site.gateway.start()
    assert ask(browser, "late@example.org") == 429
    site.around.inside.wait(JOE)
    assert site.around.outside.all_mails() == []


def test_network_may_ask_for_ten_links_a_minute(site: Site) -> None:
    browser = Browser(site.gateway.url)
    statuses = [ask(browser, f"a{number}@example.org") for number in range(12)]
    assert statuses == [303] * 10 + [429] * 2


def test_password_is_guessed_ever_more_slowly_and_name_and_password_are_not_told_apart(make_site: MakeSite) -> None:
    site = make_site()
    secret = site.gateway.folder / "secret"
    secret.write_text("correct horse battery\n")
    site.gateway.command("account", "add", "root", "--role", "site-admin", "--password-file", str(secret))
    browser = Browser(site.gateway.url)

    def enter(name: str, password: str) -> tuple[int, str, float]:
        begun = time.monotonic()
        page = browser.post("/sign-in/password", {"name": name, "password": password})
        return page.status, page.text.replace(name, "NAME"), time.monotonic() - begun

    enter("warm-up", "x")
    known, unknown = [], []
    for number in range(5):  # In turns, so that whatever else the machine does hinders both.
        unknown.append(enter("nobody", f"wrong {number}"))
        known.append(enter("root", f"wrong {number}"))
    pause = 2
    while known[-1][2] > pause / 4:
        # On a machine so busy the pause would be over before the next try; the next pause is twice as long.
        time.sleep(pause)
        known.append(enter("root", "wrong again"))
        pause *= 2
    slowed = enter("root", "correct horse battery")
    begun = time.monotonic()
    assert {answer[:2] for answer in known} == {answer[:2] for answer in unknown}
    assert {answer[0] for answer in known} == {403}
    # The quickest of each: all others were held up by something else.
    times = [min(answer[2] for answer in answers) for answers in (known, unknown)]
    assert max(times) < 3 * min(times)
    assert slowed[0] == 429
    assert re.search(r"Wait (\d+) second", slowed[1])
    assert 1 <= int(re.findall(r"Wait (\d+) second", slowed[1])[0]) <= pause
    time.sleep(max(0.0, begun + pause + 0.1 - time.monotonic()))
    assert enter("ROOT", "correct horse battery")[0] == 303
    assert "Signed in as" in browser.get("/console/account").text


def test_way_onward_leads_nowhere_but_to_the_console(site: Site) -> None:
    elsewhere = ("//evil.example/", "/\\evil.example", "https://evil.example/console/", "/console/..//evil", "/x")
    for number, where in enumerate(elsewhere):
        browser, address = Browser(site.gateway.url), f"a{number}@example.org"
        ask(browser, address, where)
        (mail,) = site.around.inside.wait(address)
        assert browser.post(link_in(mail.content), {}).location == f"{site.gateway.url}/console/"


def test_session_is_new_at_each_sign_in_and_ends_where_its_owner_says(site: Site) -> None:
    browser = Browser(site.gateway.url, cookies={"session": "planted-by-somebody"})
    ask(browser, JOE)
    (mail,) = site.around.inside.wait(JOE)
    browser.post(link_in(mail.content), {})
    secret = browser.cookies["session"]
    assert secret != "planted-by-somebody"
    link = site.gateway.command("account", "link", JOE).strip()
    other = Browser(site.gateway.url)
    other.post(link, {})
    page = browser.get("/console/account")
    assert page.text.count("Firefox on Linux") == 2
    assert browser.post("/console/account/sessions/end", {}, csrf=page.csrf).status == 303
    assert other.get("/console/account").status == 303
    assert browser.get("/console/account").status == 200
    # A session of somebody else is as if it were not there.
    mia = Browser(site.gateway.url)
    mia.post(site.gateway.data("account", "add", "mia@example.org")["url"], {})
    for number in (1, 2, 3, 99, 10**30):
        assert mia.post(
            f"/console/account/sessions/{number}/end", {}, csrf=mia.get("/console/account").csrf
        ).status in (303, 404)
    assert browser.get("/console/account").status == 200
    # Signing out ends the session on the server, not the cookie alone.
    kept = dict(browser.cookies)
    assert browser.post("/sign-out", {}, csrf=browser.get("/console/account").csrf).status == 303
    assert browser.cookies == {}
    assert Browser(site.gateway.url, cookies=kept).get("/console/account").status == 303


def test_forms_of_others_and_hosts_of_others_get_nowhere(site: Site) -> None:
    browser = Browser(site.gateway.url)
    evil = {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"}
    assert browser.post("/sign-in", {"address": JOE}, headers=evil).status == 403
    null = {"Origin": "null", "Sec-Fetch-Site": "cross-site"}
    assert browser.post("/sign-in", {"address": JOE}, headers=null).status == 403
    # The link's host is the configured one, whatever the request names.
    assert browser.post(
        "/sign-in",
        {"address": JOE},
        headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example", "Origin": "http://evil.example"},
    ).status in (303, 400, 403, 421)
    ask(browser, JOE)
    (mail,) = site.around.inside.wait(JOE)
    link = link_in(mail.content)
    assert link.startswith(f"{site.gateway.url}/sign-in/link/")
    assert b"evil.example" not in mail.content
    # Login CSRF: somebody else's page cannot sign us in as him.
    assert browser.post(link, {}, headers=evil).status == 403
    browser.post(link, {})
    page = browser.get("/console/account")
    for fields, csrf, headers in (
        ({"full_name": "Eve"}, None, {}),
        ({"full_name": "Eve"}, "0" * 64, {}),
        ({"full_name": "Eve"}, page.csrf, evil),
    ):
        assert browser.post("/console/account", fields, csrf=csrf, headers=headers).status == 403
    assert "Eve" not in browser.get("/console/account").text
    assert (
        browser.post(
            "/console/account",
            {"full_name": "Joe Roe", "time_zone": "Europe/Vienna", "role": "site-admin"},
            csrf=page.csrf,
        ).status
        == 303
    )
    shown = site.gateway.data("account", "show", JOE)
    assert (shown["full_name"], shown["role"]) == ("Joe Roe", "user")
    # The accounts of others are not his to see or to change.
    assert browser.get("/console/accounts").status == 403


def test_first_admin_gets_a_link_from_the_service(site: Site) -> None:
    # It takes mail first.
    wait_until(lambda: site.gateway.word_file.read_text().endswith("\n"), "it is printed")
    link = re.search(r"http://\S+/sign-in/link/\w+", site.gateway.word_file.read_text())
    assert link is not None
    browser = Browser(site.gateway.url)
    assert browser.post(link[0], {}, follow=True).status == 200
    assert site.gateway.data("account", "show", "admin")["role"] == "site-admin"
    site.gateway.stop()
    site.gateway.word_file.unlink()
    site.gateway.start()
    site.gateway.stop()  # Whatever it has to say at its start is said before it ends.
    assert "/sign-in/link/" not in site.gateway.word_file.read_text()
    site.gateway.start()
    # The session outlives the restart.
    assert browser.get("/console/account").status == 200


def test_cookie_is_bound_to_the_host_where_pages_are_served_by_https(make_site: MakeSite) -> None:
    site = make_site({"web.public_url": "https://console.example.org"})
    link = site.gateway.data("account", "add", "root", "--role", "site-admin")["url"]
    assert link.startswith("https://console.example.org/sign-in/link/")
    browser = Browser(site.gateway.url)
    token = link.rpartition("/")[2]
    page = browser.post(
        f"/sign-in/link/{token}", {}, headers={"Host": "console.example.org", "Origin": "https://console.example.org"}
    )
    cookie = page.headers["Set-Cookie"]
    assert cookie.startswith("__Host-session=")
    assert {"HttpOnly", "Secure", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
    assert "Domain" not in cookie


def test_stolen_cookie_changes_nothing_about_how_its_owner_signs_in(make_site: MakeSite) -> None:
    site = make_site({"sign_in.proof_minutes": 0.01})
    secret = site.gateway.folder / "secret"
    secret.write_text("correct horse battery\n")
    site.gateway.command("account", "add", "root", "--role", "site-admin", "--password-file", str(secret))
    site.gateway.command("account", "add", "mia@example.org")
    owner = Browser(site.gateway.url)
    assert owner.post("/sign-in/password", {"name": "root", "password": "correct horse battery"}).status == 303
    thief = Browser(site.gateway.url, cookies=dict(owner.cookies))
    time.sleep(0.7)
    csrf = thief.get("/console/account").csrf
    for path in ("/console/account/app", "/console/account/passkeys", "/console/account/password"):
        assert "account/proof" in thief.get(path).location
    for path, fields in (
        ("/console/account/app", {"code": "000000"}),
        ("/console/account/app/remove", {}),
        ("/console/account/recovery", {}),
        ("/console/account/passkeys", {"answer": "{}", "name": "mine"}),
        ("/console/account/password", {"old": "", "new": "the thief's own words"}),
        ("/console/accounts", {"name": "thief", "role": "site-admin"}),
        ("/console/accounts/1", {"do": "give", "address": "thief@example.org", "kind": "own"}),
        ("/console/accounts/1/link", {}),
        ("/console/accounts/2/link", {}),
        ("/console/accounts/3/remove", {}),
    ):
        assert "account/proof" in thief.post(path, fields, csrf=csrf).location, path
    assert thief.post("/console/account/proof", {"password": "guessed"}, csrf=csrf).status == 403
    assert thief.post("/console/account/proof", {"code": "000000"}, csrf=csrf).status == 403
    assert thief.post("/console/account/proof", {"link": "1"}, csrf=csrf).status == 404
    shown = site.gateway.data("account", "show", "root")
    assert (shown["second_factor"], shown["password"], shown["addresses"]) == (False, True, [])
    assert [one["name"] for one in site.gateway.data("account", "list")] == ["admin", "mia@example.org", "root"]
    # The owner shows who he is, goes on, and the thief is out.
    page = owner.get("/console/account/proof?next=/console/account/password")
    done = owner.post(
        "/console/account/proof",
        {"password": "correct horse battery", "next": "/console/account/password"},
        csrf=page.csrf,
    )
    assert (done.status, "account/password" in done.location) == (303, True)
    assert "/sign-in" in thief.get("/console/account").location
    assert owner.get("/console/account").status == 200
