"""`flask mall payments …` and what `mall doctor` says of the treasury's gateway."""

from flask_babel import gettext as _

from app.kernel import clock
from app.policy import SYSTEM
from app.web.cli import Check, settings
from app.web.extensions import db
from orders.payments import queries


def line_check() -> Check:
    """Whether the line to the treasury is open, and what waits for it."""
    name, line = _("国库接口"), queries.line(db.session(), SYSTEM)
    where = settings().payment_url or _("本系统内的模拟国库")
    if line.paused_at is None or line.probe_at is None:
        return Check(name, True, _("%(where)s，畅通，%(n)s 笔待发送", where=where, n=line.waiting))
    at = f"{clock.local(line.probe_at):%H:%M}"
    said = _("%(where)s，暂停，%(n)s 笔等待，下次试探 %(at)s（%(reason)s）", where=where, n=line.waiting, at=at, reason=line.reason)
    return Check(name, False, said, _("请核对 MALL_PAYMENT_URL、MALL_PAYMENT_KEY 和网络；恢复后自动续发，不必重新申请"))
