"""The province's regions, by administration and by treasury."""

from collections import Counter

import pytest

from app.kernel import regions
from app.kernel.regions import Kind, Level


def test_all_199_regions_of_henan_are_there() -> None:
    assert len(regions.REGIONS) == 199
    kinds = Counter(region.kind for region in regions.REGIONS.values())
    assert (kinds[Kind.CITY], kinds[Kind.PROVINCE_MANAGED_CITY], kinds[Kind.FUNCTIONAL_ZONE]) == (17, 1, 24)
    assert kinds[Kind.DISTRICT] + kinds[Kind.COUNTY] + kinds[Kind.COUNTY_LEVEL_CITY] == 156
    assert all(region.parent in regions.REGIONS for region in regions.REGIONS.values() if region.code != "410000")


def test_levels_follow_the_kind_of_region() -> None:
    levels = {code: regions.by_code(code).level for code in ("410000", "410100", "419001", "410105", "410173")}
    assert list(levels.values()) == [Level.PROVINCE, Level.CITY, Level.CITY, Level.COUNTY, Level.COUNTY]


def test_ten_counties_and_jiyuan_have_the_province_as_fiscal_parent() -> None:
    managed = [r.name for r in regions.REGIONS.values() if r.managed_by_province]
    expected = ["巩义市", "兰考县", "汝州市", "滑县", "长垣市", "邓州市", "永城市", "固始县", "鹿邑县", "新蔡县"]
    assert managed == expected
    assert regions.by_code("419001").fiscal_parent == "410000"
    assert regions.by_code("410225").parent == "410200"


def test_scope_runs_down_the_tree_and_never_up_or_across() -> None:
    assert regions.within("410105", "410100")
    assert regions.within("410105", "410000")
    assert regions.within("410105", "410105")
    assert not regions.within("410100", "410105")
    assert not regions.within("410105", "410200")
    assert not regions.within("999999", "410000")
    assert regions.within("410225", "410200")
    assert not regions.within("410225", "410200", fiscal=True)
    assert len(regions.below("410000")) == 199
    assert regions.below("410105") == {"410105"}


def test_the_path_leads_from_the_province_to_the_region() -> None:
    assert [r.name for r in regions.path("410105")] == ["河南省", "郑州市", "金水区"]
    assert regions.full_name("410225") == "河南省开封市兰考县"
    assert [r.code for r in regions.path("410225", fiscal=True)] == ["410000", "410225"]
    assert len(regions.children("410000")) == 18
    assert len(regions.children("410000", fiscal=True)) == 28


def test_names_with_two_readings_have_the_local_one() -> None:
    read = {r.name: r.pinyin for r in regions.REGIONS.values()}
    assert read["漯河市"] == "luoheshi"
    assert read["浚县"] == "xunxian"
    assert read["长垣市"] == "changyuanshi"
    assert read["召陵区"] == "shaolingqu"


def test_an_unknown_code_is_refused() -> None:
    with pytest.raises(regions.UnknownRegion) as refused:
        regions.by_code("110000")
    assert refused.value.region == "110000"
