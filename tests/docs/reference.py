"""The reference tables of docs/reference/, written from the code: `python -m tests.docs.reference`. A test says when they are out of date."""

import json
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from tempfile import mkdtemp

from app.config import Settings
from app.kernel.errors import Refusal
from app.policy import EXCLUSIVE, GRANTS, ROLE_NAMES, ROLES_OF, STEP_UP, OrganisationKind, Permission
from tests.peers import ROOT

FOLDER = ROOT / "docs" / "reference"
HEAD = "<!-- 由 `python -m tests.docs.reference` 从代码生成，请勿手改 -->"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in line) + " |" for line in lines)


def _known() -> None:
    """Load every chapter, so that every refusal is there."""
    from wsgi import create_app

    create_app(Settings(data_dir=Path(mkdtemp(prefix="mall-reference-")))).extensions["mall.search"].close()


def _refusals(kind: type[Refusal] = Refusal) -> list[type[Refusal]]:
    below = [kind for kind in kind.__subclasses__() if not kind.__module__.startswith("tests")]
    return [*below, *(each for one in below for each in _refusals(one))]


def refusals() -> str:
    """Every way in which the product says no."""
    _known()
    found = {(kind.code, kind.status): kind for kind in sorted(_refusals(), key=lambda kind: kind.__qualname__, reverse=True)}
    rows = [(f"`{code}`", status, kind.message, kind.way_out, kind.basis) for (code, status), kind in sorted(found.items())]
    return "\n\n".join(
        [
            "# 拒绝代码", HEAD,
            "接口以 `application/problem+json` 回答，`code` 不变，文字随语言。`%(…)s` 处填入当时的数字或名称。页面上显示同样的文字。怎样读一份回答，见[接口](api.md)。",
            table(("代码", "状态码", "说什么", "怎么办", "依据"), rows),
        ]
    )  # fmt: skip


def orders() -> str:
    """States of an order, its steps and the deadlines."""
    from catalog.taxonomy.rules import LIMIT_LABELS, TERM_LABELS
    from orders.purchases.states import ACTION_NAMES, FINAL, STATE_NAMES, STEPS

    roles = _holders()
    states = [(name, f"`{state.value}`", "是" if state in FINAL else "") for state, name in STATE_NAMES.items()]
    steps = [
        (STATE_NAMES[step.source], ACTION_NAMES[step.action], STATE_NAMES[step.target], roles[step.permission] if step.permission else "系统")
        for step in STEPS
    ]
    data = ROOT / "catalog" / "taxonomy" / "data"
    units = {"wd": "个工作日", "d": "日"}
    levels = {"province": "省级", "city": "市级", "county": "县级", None: "全省"}
    kinds = {"goods": "货物", "services": "服务", "works": "工程"}
    terms = [
        (TERM_LABELS[row["name"]], f"{row['days']} {units[row['unit']]}", levels[row["region_level"]], row["doc_no"])
        for row in json.loads((data / "terms.json").read_text())["rows"]
        if row["valid_to"] is None
    ]
    limits = [
        (LIMIT_LABELS[row["what"]], kinds[row["kind"]], levels[row["region_level"]], f"{row['yuan']:,}", row["doc_no"])
        for row in json.loads((data / "limits.json").read_text())["rows"]
        if row["valid_to"] is None
    ]
    return "\n\n".join(
        [
            "# 订单：状态、步骤、期限、限额", HEAD,
            "## 状态", "“终点”之后订单不再变化，冻结与承诺的钱都已退回或支付。", table(("状态", "代码", "终点"), states),
            "## 步骤", "订单只按下表移动，每一步记入监督日志。“系统”是到期或回执后自动进行的。", table(("从", "动作", "到", "谁"), steps),
            "## 期限", "随系统带来的现行参数。各地区、各日期的实际值以页面 `/limits` 为准。", table(("环节", "期限", "适用", "文号"), terms),
            "## 限额", "单位：元。同上，以页面 `/limits` 为准。", table(("标准", "对象", "适用", "金额", "文号"), limits),
        ]
    )  # fmt: skip


def roles() -> str:
    """Who may do what."""
    from app.accounts.organisations.forms import KIND_NAMES

    kinds = {role: "、".join(str(KIND_NAMES.get(kind, kind.value)) for kind in OrganisationKind if role in ROLES_OF.get(kind, ())) for role in ROLE_NAMES}
    rows = [
        (name, f"`{role.value}`", kinds[role], " ".join(f"`{each.value}`" for each in Permission if each in GRANTS[role]))
        for role, name in ROLE_NAMES.items()
    ]
    pairs = [f"- {'、'.join(ROLE_NAMES[role] for role in ROLE_NAMES if role in pair)}" for pair in EXCLUSIVE]
    return "\n\n".join(
        [
            "# 岗位与权限", HEAD,
            "一个人可以有几个岗位，权限是它们的和；看得到哪些数据，另由所在单位和地区决定。",
            table(("岗位", "代码", "属于", "权限"), rows),
            "## 不能由同一人担任", "\n".join(pairs),
            "同一张订单上，经办人不能审批、不能验收，验收人不能申请支付。",
            "## 须再次验明身份", "、".join(f"`{each.value}`" for each in Permission if each in STEP_UP) + "：办理前再次输入密码或动态口令；令牌须写明这些权限，且最长 8 小时。",
        ]
    )  # fmt: skip


def rules() -> str:
    """What is checked and what is warned of."""
    from catalog.listings.verdicts import RULES as SHELF
    from orders.purchases.verdicts import RULES
    from supervision.alerts.rules import TEXTS

    head = ("规则", "名称", "依据", "说什么", "怎么办")
    return "\n\n".join(
        [
            "# 校验与预警规则", HEAD,
            "## 提交订单时的校验", table(head, [(code, text.title, text.basis, text.sentence, text.way_out) for code, text in RULES.items() if code not in TEXTS]),
            "## 商品上架的闸门", table(head, [(code, text.title, text.basis, text.sentence, text.way_out) for code, text in SHELF.items()]),
            "## 监管预警", table(head, [(code, text.title, text.basis, text.sentence, text.way_out) for code, text in sorted(TEXTS.items())]),
        ]
    ).replace("%%", "%")  # fmt: skip


def _holders() -> dict[Permission, str]:
    return {each: "、".join(name for role, name in ROLE_NAMES.items() if each in GRANTS[role]) for each in Permission}


PAGES: dict[str, Callable[[], str]] = {"refusals.md": refusals, "orders.md": orders, "roles.md": roles, "rules.md": rules}

if __name__ == "__main__":
    os.chdir(ROOT)
    for file, write in PAGES.items():
        (FOLDER / file).write_text(write() + "\n")
        print(FOLDER / file)
