from __future__ import annotations

import pytest

from gateway.languages.language import known
from tests.unit.web.conftest import Client
from tests.unit.web.fakes import TOKEN

PAGE = f"/challenge/{TOKEN}"
SENTENCE = {
    "en": "Please show us that you are a person",
    "de": "Bitte zeigen Sie uns, dass Sie ein Mensch sind.",
    "fr": "Montrez-nous que vous êtes bien une personne",
    "es": "Muéstrenos que es usted una persona",
    "cs": "Ukažte nám prosím, že jste člověk.",
}


@pytest.mark.parametrize("tag", known())
async def test_page_speaks_the_browser_s_language(client: Client, tag: str) -> None:
    response = await client.get(PAGE, headers={"Accept-Language": f"{tag}-XX,{tag};q=0.9,en;q=0.1"})
    text = await response.text()
    assert f'<html lang="{tag}">' in text
    assert SENTENCE[tag] in text
    assert response.headers["Content-Language"] == tag
    assert "Accept-Language" in response.headers["Vary"]


async def test_page_for_a_browser_of_another_language_is_english(client: Client) -> None:
    response = await client.get(PAGE, headers={"Accept-Language": "ja"})
    assert '<html lang="en">' in await response.text()


async def test_language_chosen_by_hand_is_remembered(client: Client) -> None:
    german = {"Accept-Language": "de"}
    chosen = await client.get(f"{PAGE}?lang=cs", headers=german)
    assert SENTENCE["cs"] in await chosen.text()
    cookie = chosen.cookies["language"]
    assert (cookie.value, cookie["samesite"], cookie["path"]) == ("cs", "Lax", "/")
    assert SENTENCE["cs"] in await (await client.get(PAGE, headers=german)).text()


@pytest.mark.parametrize("tag", ["xx", "", "../../etc/passwd", "de\r\nSet-Cookie: x=y", "DE"])
async def test_language_that_is_none_is_passed_over(client: Client, tag: str) -> None:
    response = await client.get(PAGE, params={"lang": tag}, headers={"Cookie": "language=xx"})
    assert '<html lang="en">' in await response.text()
    assert "language" not in response.cookies


async def test_every_language_is_offered_in_its_own_name(client: Client) -> None:
    text = await (await client.get("/")).text()
    for tag, name in zip(known(), ("English", "Čeština", "Deutsch", "Español", "Français"), strict=True):
        assert f'<a href="?lang={tag}" lang="{tag}" hreflang="{tag}"' in text
        assert name in text


async def test_error_page_speaks_the_browser_s_language(client: Client) -> None:
    response = await client.get("/challenge/nothing", headers={"Accept-Language": "es"})
    assert response.status == 404
    assert "Este enlace ya no es válido" in await response.text()


async def test_date_on_the_page_is_the_language_s(client: Client) -> None:
    text = await (await client.get(PAGE, headers={"Accept-Language": "fr"})).text()
    assert '<time datetime="2026-11-20T14:05:00Z">20 novembre 2026 à 14:05 UTC</time>' in text


async def test_no_page_shows_a_variable_or_escaped_markup(client: Client) -> None:
    for tag in known():
        text = await (await client.get(PAGE, headers={"Accept-Language": tag})).text()
        assert "&lt;time" not in text
        assert "%(" not in text
