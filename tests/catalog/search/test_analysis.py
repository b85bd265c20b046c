import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.search import analysis, highlight, lexicon, spelling


@pytest.mark.parametrize(
    ("text", "normal"),
    [("ＨＰ　Ｍ４０４", "hp m404"), ("隨身碟", "随身碟"), ("印表機", "打印机"), ("滑鼠", "鼠标"), ("複印紙", "复印纸"), ("㎡", "m2")],
)
def test_text_is_folded_lowered_and_simplified(text, normal):
    assert analysis.normal(text) == normal


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("惠普M404dn 打印机", ("惠普", "m404dn", "打印机")),
        ("65寸液晶电视", ("65", "液晶电视")),
        ("1.5匹空调 挂机", ("1.5", "空调", "挂机")),
        ("84消毒液 A4纸 U盘", ("84消毒液", "a4纸", "u盘")),
        ("10公斤", ("10",)),
        ("M&G 中性笔", ("m&g", "中性笔")),
        ("DS923+", ("ds923+",)),
        ("！！", ()),
    ],
)
def test_a_question_is_split_by_script_and_count_words_are_left_out(text, words):
    assert analysis.parse(text) == words


def test_a_model_is_found_whole_without_hyphens_and_by_its_parts():
    assert {"kfr-35gw/n8xhc1", "kfr35gwn8xhc1", "kfr", "35gw", "n8xhc1"} <= set(analysis.model_tokens("kfr-35gw/n8xhc1"))
    assert "254dw" in analysis.model_tokens("m254dw") and "388a" in analysis.model_tokens("cc388a")


def test_a_run_is_spelt_from_each_of_its_words_on():
    assert {"caisejiguangdayinji", "dayinji", "dyj", "csjgdyj", "caise"} <= set(analysis.pinyin("彩色激光打印机"))
    assert spelling.spelt("u盘") == ("upan", "up")


def test_pairs_find_any_part_of_a_word():
    assert list(analysis.pairs("待处理")) == ["待", "处", "理", "待处", "处理", "待处理"]


@pytest.mark.parametrize(
    ("title", "goods", "about"),
    [
        ("沃邦 适用惠普 m404dn a4黑白打印机防尘罩", "沃邦  防尘罩", "惠普 m404dn a4黑白打印机防尘罩"),
        ("天威 适用于 cf259a 硒鼓", "天威  硒鼓", "cf259a 硒鼓"),
        ("配套hp 388a", "  ", "hp 388a"),
        ("网络通用型机柜", "网络通用型机柜", ""),
        ("得力 配套文件夹", "得力 配套文件夹", ""),
    ],
)
def test_a_title_tells_what_the_goods_are_and_what_they_are_only_good_for(title, goods, about):
    said, for_what = analysis.fitted(title)
    assert (said.split(), for_what) == (goods.split(), about)


def test_what_a_part_fits_is_description_and_not_its_own_name():
    cover = analysis.analyse("沃邦 适用惠普 M404dn 打印机防尘罩", "沃邦", "AB0001K", "清洁用品", "A02059900", "", "")
    assert "防尘罩" in cover.words.split() and "打印机" not in cover.words.split() and "m404dn" not in cover.latin.split()
    assert "m404dn" in cover.spec.split() and cover.own.split() == ["沃邦", "ab0001k", "0001k"]


def test_a_listing_that_says_no_kind_of_its_category_may_be_any_of_them():
    plain = analysis.analyse("公牛 GN-B5440 电源插座和转换器", "公牛", "GN-B5440", "电源插座和转换器", "A02061727", "孔位 8位；线长 3米", "")
    board = analysis.analyse("得力 33661 软木板 教具", "得力", "33661 软木板", "教具", "A05040403", "", "")
    assert "插线板" in plain.perhaps.split() and board.perhaps == ""


def test_words_of_description_have_other_ways_to_be_said():
    assert lexicon.terms("千兆") == ("ge", "1000m") and "ge" in lexicon.synonym_table()["千兆"]


def test_what_was_learnt_is_known_until_something_else_is():
    before = lexicon.edition()
    assert analysis.parse("5g随身wifi") == ("5g", "随身", "wifi")
    try:
        lexicon.learn([["5G随身WiFi", "无线上网卡"]])
        assert lexicon.terms("5g随身wifi") == ("无线上网卡",) and lexicon.edition() == before + 1
        assert analysis.parse("无线上网卡 5G随身WiFi") == ("无线上网卡", "5g随身wifi")
        assert "5g随身wifi" in highlight.needles("无线上网卡")
        lexicon.learn([["5G随身WiFi", "无线上网卡"]])
        assert lexicon.edition() == before + 1, "learning the same again changes nothing"
    finally:
        lexicon.learn([])
    assert lexicon.terms("5g随身wifi") == () and analysis.parse("5g随身wifi") == ("5g", "随身", "wifi")


def test_a_chinese_word_has_its_head_at_the_end():
    assert analysis.head("轻薄笔记本电脑") == "笔记本电脑" and analysis.head("打印机") == "打印机" and analysis.head("喵喵喵") == "喵喵喵"


def test_the_lexicon_knows_names_kinds_and_synonyms():
    assert "打印机" in lexicon.names_of("A02021003") and "电脑" in lexicon.names_of("A02010105")
    assert "胶水" not in lexicon.names_of("A05040401") and lexicon.categories_holding("胶水") == ("A05040401",)
    assert "回形针" in lexicon.synonyms("曲别针") and "订书机" not in lexicon.synonyms("胶水")


@pytest.mark.parametrize(
    ("wrong", "right"), [("空条", "空调"), ("硒股", "硒鼓"), ("保险拒", "保险柜"), ("中型笔", "中性笔"), ("移动硬盆", "移动硬盘"), ("墨合", "墨盒")]
)
def test_a_misspelt_word_is_recognised_by_sound_or_by_look(wrong, right):
    known = [(word, spelling.syllables(word), 1) for word in lexicon.WORDS if len(word) == len(wrong) and spelling.is_cjk(word)]
    assert lexicon.nearest(wrong, spelling.syllables(wrong), known) == right


def test_marks_follow_models_pinyin_initials_and_other_script_forms():
    assert highlight.mark("惠普 M404-dn 打印机", highlight.needles("m404dn")) == "惠普 <mark>M404-dn</mark> 打印机"
    assert highlight.mark("得力 打印机", highlight.needles("dyj")) == "得力 <mark>打印机</mark>"
    assert highlight.mark("得力 打印机", highlight.needles("deli")) == "<mark>得力</mark> 打印机"
    assert highlight.mark("小米 路由器", highlight.needles("路由器")) == "小米 <mark>路由器</mark>"


@given(st.text(max_size=60), st.text(max_size=20))
def test_marking_keeps_the_text_and_lets_no_markup_through(text, q):
    marked = highlight.mark(text, highlight.needles(q))
    plain = marked.replace("<mark>", "").replace("</mark>", "")
    assert "<" not in plain and ">" not in plain
    for entity, char in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&#x27;", "'"), ("&amp;", "&")):
        plain = plain.replace(entity, char)
    assert plain == text


@given(st.text(max_size=80))
def test_any_text_can_be_analysed(text):
    assert len(analysis.parse(text)) <= 7
    analysis.analyse(text, text, text, text, "A02021003", text, text)


def test_a_listing_is_found_by_the_names_of_its_category_and_by_the_kind_it_says_it_is():
    glue = analysis.analyse("得力 7303 液体胶 文具", "得力", "7303 液体胶", "文具", "A05040401", "", "")
    assert "胶水" in glue.kinds.split() and "订书机" not in glue.kinds.split()
    colour = analysis.analyse("惠普 M454dn", "惠普", "M454dn", "A4彩色打印机", "A02021004", "", "")
    assert "彩打" in colour.called.split() and "打印机" in colour.called.split()
