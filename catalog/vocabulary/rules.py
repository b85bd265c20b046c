"""Which questions are kept, and why a decision about words is refused. A question is kept in normal form and without anybody's name."""

import hashlib
import re
from collections.abc import Iterable
from datetime import date
from typing import Final

from app.kernel.errors import N_, Conflict, Invalid
from catalog.vocabulary.states import MissState

SHORTEST, LONGEST = 2, 30
MOST_WORDS: Final = 10
_PERSONAL: Final = re.compile(r"\d{6,}|@|https?:|www\.")
"""Telephone and identity numbers, mail addresses, links: what people paste by mistake is not kept at all."""
_KEPT: Final = re.compile(r"[\w.+&/·\- ]+")

STATE_NAMES: dict[MissState, str] = {
    MissState.OPEN: N_("待处理"),
    MissState.SYNONYM: N_("已加同义词"),
    MissState.DISMISSED: N_("已忽略"),
    MissState.GOODS_MISSING: N_("缺货品"),
}


def worth_keeping(question: str) -> bool:
    """Whether a question in normal form may be counted: words for goods, and nothing that could be a person's."""
    if not SHORTEST <= len(question) <= LONGEST or _KEPT.fullmatch(question) is None:
        return False
    return _PERSONAL.search(question.replace(" ", "")) is None


def mark(secret: str, on: date, question: str, reader: str) -> str:
    """Tells one reader of one question on one day from another. Nobody can be found by it: days and questions do not connect."""
    return hashlib.blake2b(f"{on}|{question}|{reader}".encode(), key=secret.encode()[:64], digest_size=12).hexdigest()


def cleaned(words: Iterable[str]) -> tuple[str, ...]:
    """Words as they are kept. Raises TooFewWords, WordUnfit."""
    found = tuple(dict.fromkeys(" ".join(word.split()) for word in words if word.strip()))
    for word in found:
        if not 1 <= len(word) <= LONGEST or _KEPT.fullmatch(word) is None:
            raise WordUnfit(word=word[:40], longest=LONGEST)
    if not 2 <= len(found) <= MOST_WORDS:
        raise TooFewWords(count=len(found), most=MOST_WORDS)
    return found


class TooFewWords(Invalid):
    """Only two or more words can mean the same, and not very many."""

    code = "synonym.too_few"
    message = N_("同义词须写 2 到 %(most)s 个，现在是 %(count)s 个")
    way_out = N_("请用逗号或顿号隔开各词，例如：打印机、印表机")
    field: str | None = "words"
    count: int
    most: int


class WordUnfit(Invalid):
    """A word holds signs, or is none."""

    code = "synonym.unfit"
    message = N_("“%(word)s”不能作同义词：只能用文字、字母、数字，最长 %(longest)s 个字")
    way_out = N_("请改短，或去掉标点")
    field: str | None = "words"
    word: str
    longest: int


class AlreadySynonyms(Conflict):
    """These words are known to mean the same."""

    code = "synonym.exists"
    message = N_("“%(words)s”已经是同义词")
    way_out = N_("如搜索仍无结果，多半是没有这种商品，请标记为缺货品")
    words: str


class AlreadyDecided(Conflict):
    """Somebody has decided about this question meanwhile, or it was decided long ago."""

    code = "miss.decided"
    message = N_("“%(question)s”已经处理过")
    way_out = N_("请刷新页面查看最新的队列")
    question: str
