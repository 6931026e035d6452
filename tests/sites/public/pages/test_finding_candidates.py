"""The list and the profiles without scripts: filtered, searched, one beside the other, and what
messengers show of a link."""

from __future__ import annotations

import io
import re
from html import unescape

import zxingcpp
from PIL import Image

from tests.browser.site import SLUG
from tests.sites.public.pages.reader import Reader
from voting_service.contests.candidate_search import CandidateSearch

LIST = f"/zh/{SLUG}"
DISTRICT = "%E4%B8%87%E5%B7%9E%E5%8C%BA"  # Wanzhou
FITTERS = "?trade=%E9%92%B3%E5%B7%A5"


def shown(page: str) -> set[int]:
    """The numbers of the cards that are not hidden."""
    return {int(n) for n in re.findall(r'<li class="card" id="c(\d+)"[^>]*[^n]>', page)}


def find_property(page: str, name: str) -> str:
    result = re.search(rf'<meta (?:property|name)="{name}" content="([^"]*)">', page)
    assert result, name
    return unescape(result[1])


async def test_the_list_is_filtered_and_searched_without_scripts(reader: Reader) -> None:
    everybody = await reader.get(LIST)
    assert len(shown(everybody.text)) == 50
    assert "万州区（2）</option>" in everybody.text
    filtered = (await reader.get(f"{LIST}?district={DISTRICT}")).text
    assert shown(filtered) == {1, 42}
    assert '<option value="万州区" selected>万州区（2）' in filtered
    assert "找到 2 位" in filtered
    assert f'href="/en/{SLUG}?district={DISTRICT}"' in filtered, "the other language keeps it"
    assert f'rel="canonical" href="{reader.site.settings.public_url}{LIST}"' in filtered
    assert f'href="{LIST}/candidates/42?district={DISTRICT}"' in filtered
    search = CandidateSearch(reader.site.contest.candidates)
    for words in ("7", "０７", "焊工", "hangong", "wanzhou", "welder 6", "ＷＥＬＤＥＲ", "nobody"):
        page = await reader.client.get(LIST, params={"q": words})
        assert shown(page.text) == search.find(words), words
    assert "未找到候选人" in page.text
    assert shown((await reader.get(f"/en/{SLUG}?q=7")).text) == {7}
    strange = await reader.client.get(LIST, params={"q": '"><script>', "trade": "x" * 500})
    assert strange.status_code == 200
    assert "<script>" not in strange.text.replace("<script type", "")


async def test_a_profile_leads_on_and_back(reader: Reader) -> None:
    def steps(page: str) -> list[str]:
        return re.findall(r'<a (?:rel="\w+"|class="all") href="([^"]+)"', page)

    first = (await reader.get(f"{LIST}/candidates/1")).text
    assert steps(first) == [f"{LIST}/candidates/50", f"{LIST}#c1", f"{LIST}/candidates/2"]
    fitter = (await reader.get(f"{LIST}/candidates/32{FITTERS}")).text
    beside = f"{LIST}/candidates/7{FITTERS}"
    assert steps(fitter) == [beside, f"{LIST}{FITTERS}#c32", beside]
    missing = await reader.get(f"{LIST}/candidates/51{FITTERS}")
    assert missing.status_code == 404


async def test_a_profile_shows_every_field(reader: Reader) -> None:
    candidate = reader.site.contest.candidates[6]
    page = unescape((await reader.get(f"/en/{SLUG}/candidates/7")).text)
    assert candidate.employer
    assert candidate.skill_grade
    for text in (candidate.employer, candidate.skill_grade, candidate.summary, *candidate.honours):
        assert text.en in page
    answer = (await reader.get(f"/api/v1/contests/{SLUG}/candidates/7")).json()
    assert answer["employer"]["zh"] == candidate.employer.zh
    assert len(answer["honours"]) == len(candidate.honours)
    assert "film" not in answer


async def test_a_link_has_a_picture_a_title_and_an_address_in_each_language(reader: Reader) -> None:
    origin = reader.site.settings.public_url
    pictures = {}
    for language in ("zh", "en"):
        for below in ("", "/candidates/7", "/standings"):
            page = (await reader.get(f"/{language}/{SLUG}{below}")).text
            picture = find_property(page, "og:image")
            assert picture.startswith(f"{origin}/{language}/{SLUG}/share/"), "absolute"
            size = find_property(page, "og:image:width"), find_property(page, "og:image:height")
            assert size == ("1200", "630")
            assert find_property(page, "og:image:alt")
            assert find_property(page, "twitter:card") == "summary_large_image"
            other = "en" if language == "zh" else "zh-Hans"
            address = f"{origin}/{'en' if language == 'zh' else 'zh'}/{SLUG}{below}"
            assert f'<link rel="alternate" hreflang="{other}" href="{address}">' in page
            pictures[language, below] = picture.removeprefix(origin)
    title = find_property((await reader.get(f"{LIST}/candidates/7")).text, "og:title")
    assert title.startswith("07号候选人（占位）（7 号） · ")
    assert pictures["zh", ""] == pictures["zh", "/standings"]
    assert len(set(pictures.values())) == 4
    shared: set[str] = set()
    for address in set(pictures.values()):
        answer = await reader.get(address)
        assert answer.status_code == 200, address
        assert "immutable" in answer.headers["cache-control"]
        with Image.open(io.BytesIO(answer.content)) as image:
            assert (image.format, image.size) == ("JPEG", (1200, 630))
            [code] = zxingcpp.read_barcodes(image)
            shared.add(code.text)
        assert len(answer.content) < 200_000
    assert shared == {
        f"{origin}/{language}/{SLUG}{below}"
        for language in ("zh", "en")
        for below in ("", "/candidates/7")
    }


async def test_a_picture_of_before_a_correction_leads_to_today_s(reader: Reader) -> None:
    old = await reader.get(f"{LIST}/share/7-000000000000.jpeg")
    assert old.status_code == 302
    assert (await reader.get(old.headers["location"])).headers["content-type"] == "image/jpeg"
    assert (await reader.get(f"{LIST}/share/51-000000000000.jpeg")).status_code == 404
