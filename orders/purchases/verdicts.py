"""What a check says, and how each rule is called, founded and worded."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.kernel.errors import N_
from app.kernel.verdicts import SHOWN, Checked, Outcome, RuleText

__all__ = ["Outcome", "RuleText"]  # words of every chapter's checks

RULESET = "2026.11"

RULES: dict[str, RuleText] = {
    "B01": RuleText(
        title=N_("无预算采购"),
        basis=N_("政府采购法第6、33条；实施条例第29条"),
        sentence=N_("第 %(line)s 行没有可用的已备案采购计划（%(found)s）"),
        way_out=N_("请选择本年度已备案的计划明细，或就地备案"),
        passed=N_("有预算、有计划"),
    ),
    "B02": RuleText(
        title=N_("超预算采购"),
        basis=N_("政府采购法第6条；预算法第13条"),
        sentence=N_("%(control)s 可用 %(free)s 元，本次需要 %(wanted)s 元，超出 %(over)s 元"),
        way_out=N_("请减少数量、换用其他计划明细，或由财务调整指标"),
        passed=N_("未超预算"),
    ),
    "B03": RuleText(
        title=N_("品目与预算不符"),
        basis=N_("河南省政府采购在线监管工作方案（2018）"),
        sentence=N_("第 %(line)s 行品目 %(category)s 不属于计划品目 %(planned)s"),
        way_out=N_("请选择同品目的计划明细，或就地备案一条"),
        passed=N_("品目与计划相符"),
    ),
    "B04": RuleText(
        title=N_("超数量采购"),
        basis=N_("采购计划备案：已购与剩余数量"),
        sentence=N_("%(control)s 剩余 %(free)s，本次需要 %(wanted)s"),
        way_out=N_("请改为不超过剩余数量，或另行备案计划"),
        passed=N_("未超计划数量"),
    ),
    "B11": RuleText(
        title=N_("经济分类与品目不符"),
        basis=N_("政府收支分类科目（部门预算支出经济分类）"),
        sentence=N_("第 %(line)s 行品目 %(category)s 应从 %(allowed)s 列支，所选指标为 %(economic_class)s"),
        way_out=N_("请换用经济分类相符的指标；确有理由的，提交后说明，由单位财务负责人放行"),
        passed=N_("经济分类与品目相符"),
    ),
    "P01": RuleText(
        title=N_("超限额采购"),
        basis=N_("网上商城限额标准"),
        sentence=N_("同一供应商 %(supplier)s 的 %(category)s 合计 %(total)s 元，达到商城限额 %(limit)s 元"),
        way_out=N_("请转入项目采购（公开招标、磋商等方式）"),
        passed=N_("未达商城限额"),
    ),
    "P02": RuleText(
        title=N_("超直购限额未竞争"),
        basis=N_("网上商城直接订购限额"),
        sentence=N_("同一供应商 %(supplier)s 的 %(category)s 合计 %(total)s 元，达到直接订购限额 %(limit)s 元；分预算、分地址不改变合计"),
        way_out=N_("请减少到限额以下，或改用比价、询价、竞价"),
        passed=N_("未达直接订购限额"),
    ),
    "P09": RuleText(
        title=N_("超采购目录"),
        basis=N_("集中采购目录与商城目录"),
        sentence=N_("第 %(line)s 行品目 %(category)s 不在本地区商城目录内"),
        way_out=N_("请从购物车移出；目录外的采购请走其他方式"),
        passed=N_("在商城目录内"),
    ),
    "P12": RuleText(
        title=N_("不相容岗位未分离"),
        basis=N_("内部控制：经办、审批、验收相分离（政府采购法第61条）"),
        sentence=N_("本单位缺少经办人之外的%(missing)s，提交后无人可以办理"),
        way_out=N_("请单位管理员在“人员与岗位”中指定"),
        passed=N_("经办、审批、验收可以分离"),
    ),
    "STOCK": RuleText(
        title=N_("库存不足"),
        basis=N_("供应商公布的库存"),
        sentence=N_("第 %(line)s 行库存 %(stock)s，需要 %(wanted)s"),
        way_out=N_("请减少数量，或改选其他供应商的同款商品"),
        passed=N_("库存充足"),
    ),
    "PRICE": RuleText(
        title=N_("加入购物车后变价"),
        basis=N_("提交时的价格必须是您看到的价格"),
        sentence=N_("第 %(line)s 行单价由 %(seen)s 元变为 %(now)s 元"),
        way_out=N_("请在购物车中按新价确认后再提交"),
        passed=N_("价格与所见一致"),
    ),
    "SHELF": RuleText(
        title=N_("商品未上架"),
        basis=N_("商城商品管理"),
        sentence=N_("第 %(line)s 行商品已下架或不供货到本地区"),
        way_out=N_("请从购物车移出，或改选其他供应商的同款商品"),
        passed=N_("商品在架并供货到本地区"),
    ),
    "K02": RuleText(
        title=N_("禁止期内交易"),
        basis=N_("政府采购法第77条；实施条例第19条"),
        sentence=N_("供应商 %(supplier)s 已被暂停或禁止交易，至 %(until)s"),
        way_out=N_("请改选其他供应商的同款商品"),
        passed=N_("供应商可以交易"),
    ),
}


@dataclass(frozen=True, kw_only=True)
class Verdict(Checked):
    """One check: the rule, what it looked at, what it says. Enough to show it, store it and run it again."""

    subject: str
    inputs: dict[str, Any] = field(default_factory=dict)
    threshold: dict[str, Any] = field(default_factory=dict)
    version: str = RULESET
    text: RuleText | None = field(default=None, metadata=SHOWN)

    @property
    def words(self) -> RuleText:
        """The rule's texts."""
        return self.text or RULES.get(self.rule) or RuleText(title=self.rule, basis="", sentence="", way_out="")


def learn(texts: Mapping[str, RuleText]) -> None:
    """Let recorded checks of plugged-in rules be shown in words too; the roof calls it once for the gates it plugs in."""
    RULES.update(texts)
