"""What a check of the gate says, and how each rule of the shelf is called, founded and worded."""

from dataclasses import dataclass
from typing import Final

from app.kernel.errors import N_
from app.kernel.verdicts import Checked, Outcome, RuleText

__all__ = ["Outcome"]  # a word of every chapter's checks

RULESET: Final = "2026.12"


@dataclass(frozen=True, kw_only=True)
class ShelfText(RuleText):
    """A rule of the shelf in words; a supplier also reads the figure when nothing was found, and why nothing was judged."""

    clear: str
    unjudged: str = ""


RULES: Final[dict[str, ShelfText]] = {
    "K01": ShelfText(
        title=N_("供应商在失信名单上"),
        basis=N_("政府采购法第22条；实施条例第63条；河南省社会信用条例第33、34条"),
        sentence=N_("%(supplier)s 在%(listed)s上，其商品不能上架"),
        way_out=N_("请在信用修复、移出名单后再上架"),
        passed=N_("供应商没有失信记录"),
        clear=N_("不在失信名单上"),
    ),
    "K02": ShelfText(
        title=N_("供应商不能交易"),
        basis=N_("政府采购法第77条；实施条例第19条"),
        sentence=N_("%(supplier)s 已被暂停或禁止交易，至 %(until)s，其商品不能上架"),
        way_out=N_("恢复交易后再上架；有异议请联系集中采购机构"),
        passed=N_("供应商可以交易"),
        clear=N_("供应商库状态正常"),
    ),
    "K05": ShelfText(
        title=N_("资质已到期"),
        basis=N_("政府采购法第22条；供应商入驻材料要求"),
        sentence=N_("%(supplier)s 的%(papers)s已到期，其商品不能上架"),
        way_out=N_("请在“本企业”换新材料，审核通过后再上架"),
        passed=N_("资质在有效期内"),
        clear=N_("要求的资质没有到期的"),
    ),
    "P09": ShelfText(
        title=N_("不在商城目录内"),
        basis=N_("集中采购目录与商城目录"),
        sentence=N_("品目 %(category)s 不在商城目录，可以上架，但采购单位不能下单"),
        way_out=N_("请核对品目编码；目录外的商品请走其他采购方式"),
        passed=N_("在商城目录内"),
        clear=N_("品目 %(category)s 可在商城采购（%(doc_no)s）"),
    ),
    "P07": ShelfText(
        title=N_("进口产品须先审核"),
        basis=N_("政府采购法第10条；政府采购进口产品管理办法（财库〔2007〕119号）"),
        sentence=N_("产品为进口产品，采购单位须先取得进口审批，上架前由目录管理员核对"),
        way_out=N_("请送审；若为境内生产，请先改正产品的产地"),
        passed=N_("不是进口产品"),
        clear=N_("产品为国产"),
    ),
    "P08": ShelfText(
        title=N_("强制节能品目缺有效证书"),
        basis=N_("节能产品政府采购品目清单（财库〔2019〕19号）；财库〔2019〕9号"),
        sentence=N_("品目 %(category)s 属强制采购节能产品，本产品没有有效的节能产品认证"),
        way_out=N_("请在产品上登记有效的节能产品认证证书后再上架"),
        passed=N_("节能要求已满足"),
        clear=N_("不属强制节能品目，或已有有效认证"),
    ),
    "P13": ShelfText(
        title=N_("未标安全可靠"),
        basis=N_("财库〔2025〕29、30号；财库〔2023〕32、33号"),
        sentence=N_("品目 %(category)s 的产品未通过安全可靠测评，乡镇以上党政机关不能采购"),
        way_out=N_("已通过测评的，请在产品上登记测评结果"),
        passed=N_("安全可靠要求已满足"),
        clear=N_("品目不在名单内，或已通过测评"),
    ),
    "R01": ShelfText(
        title=N_("高于市场参考价"),
        basis=N_("网上商城价格管理：不高于大型电商自营价或厂商官价"),
        sentence=N_("%(price)s 元高于市场参考价 %(reference)s 元（%(source)s，%(on)s），上限 %(bound)s 元"),
        way_out=N_("请降到上限以内；配置或服务不同的，请送审说明"),
        passed=N_("不高于市场参考价"),
        clear=N_("%(price)s 元，市场参考价 %(reference)s 元（%(source)s，%(on)s）"),
        unjudged=N_("近 %(days)s 日没有外部参考价，不评"),
    ),
    "R02": ShelfText(
        title=N_("价格畸高"),
        basis=N_("网上商城价格管理：高出同款在架中位价一定幅度的阻断"),
        sentence=N_("%(price)s 元高于其他供应商同款在架中位价 %(median)s 元，超出上限 %(bound)s 元（n=%(n)s）"),
        way_out=N_("请降到上限以内"),
        passed=N_("价格位次正常"),
        clear=N_("%(price)s 元，其他供应商中位价 %(median)s 元，上限 %(bound)s 元，n=%(n)s"),
        unjudged=N_("其他供应商的同款在架报价 %(n)s 个，不足 %(least)s 个，不评位次"),
    ),
    "R03": ShelfText(
        title=N_("高于平均成交价"),
        basis=N_("网上商城价格管理：高出平均成交价的加注提示"),
        sentence=N_("%(price)s 元高于近 %(days)s 日平均成交价 %(average)s 元（n=%(n)s），超出提示线 %(bound)s 元，采购单位会看到提示"),
        way_out=N_("降到提示线以内即不再提示"),
        passed=N_("不高于平均成交价"),
        clear=N_("%(price)s 元，近 %(days)s 日平均成交价 %(average)s 元，提示线 %(bound)s 元，n=%(n)s"),
        unjudged=N_("近 %(days)s 日成交 %(n)s 笔，不足 %(least)s 笔，不评"),
    ),
    "R07": ShelfText(
        title=N_("疑似低价引流"),
        basis=N_("网上商城商品管理：不得以不实低价或拆分单位引流"),
        sentence=N_("%(price)s 元不到市场参考价 %(reference)s 元的一定比例（下限 %(bound)s 元）"),
        way_out=N_("请核对单价与销售单位是否对应整件商品"),
        passed=N_("价格与单位正常"),
        clear=N_("销售单位 %(unit)s，价格没有异常偏低"),
    ),
    "R07.unit": ShelfText(
        title=N_("销售单位异常"),
        basis=N_("网上商城商品管理：不得以不实低价或拆分单位引流"),
        sentence=N_("销售单位“%(unit)s”不是该品目的常用单位（%(units)s）"),
        way_out=N_("请核对单价与销售单位是否对应整件商品"),
        passed=N_("价格与单位正常"),
        clear="",
    ),
    "R08": ShelfText(
        title=N_("重复铺货"),
        basis=N_("网上商城商品管理：同一供应商同品牌同型号只上架一条"),
        sentence=N_("货号 %(sku)s 已上架同品牌同型号的商品"),
        way_out=N_("请修改已上架的那一条，或先将其下架"),
        passed=N_("没有重复铺货"),
        clear=N_("同品牌同型号只此一条在架"),
    ),
}


@dataclass(frozen=True, kw_only=True)
class Verdict(Checked):
    """One check of the gate, with the figures it judged by. Enough to show it, store it and run it again."""

    judged: bool = True
    """False when there was nothing to judge by: too few offers, no reference price."""
    words_of: str = ""
    """The texts, where a rule has several."""
    version: str = RULESET

    @property
    def words(self) -> ShelfText:
        """The rule's texts."""
        return RULES[self.words_of or self.rule]

    @property
    def sentence(self) -> str:
        """What the check found, to be filled with its facts."""
        if not self.judged:
            return self.words.unjudged
        return self.words.clear if self.outcome is Outcome.PASS else self.words.sentence
