"""JSON way in for a supplier's own application: where it stands and what it still lacks."""

from datetime import datetime

from flask import Blueprint
from flask_babel import gettext
from pydantic import Field

from app.kernel.errors import N_
from app.policy import Permission
from app.web.extensions import db
from app.web.guard import me, requires
from app.web.openapi import Answers, Model, spec, titled
from catalog.onboarding import queries
from catalog.onboarding.states import OPEN, Part, State
from catalog.suppliers import queries as suppliers

api = Blueprint("onboarding_api", __name__, url_prefix="/api/v1/onboarding")
TAG = ("onboarding",)


class LackingOut(Model):
    """What one part of the application still lacks, in the reader's language."""

    part: Part
    lacking: list[str]


class RemarkOut(Model):
    """Why something was returned."""

    subject: str = Field(description=N_("退回的项目：步骤代码，或 paper: 加材料代码"))
    reason: str


class ApplicationOut(Model):
    """Where the application stands; `due_at` is when it will be reviewed at the latest."""

    number: str
    state: State
    round: int = Field(description=N_("提交过的次数"))
    region: str
    is_open: bool = Field(description=N_("现在能否修改"))
    lacking: list[LackingOut]
    remarks: list[RemarkOut]
    began_at: datetime
    saved_at: datetime
    submitted_at: datetime | None
    due_at: datetime | None
    decided_at: datetime | None


class OnboardingOut(Model):
    """Whether the supplier has entered the library, and its application; null for one that entered in another way."""

    has_entered: bool
    application: ApplicationOut | None


@api.get("")
@titled(N_("本企业的入驻申请"))
@requires(Permission.SUPPLIER_ADMINISTER)
@spec.validate(resp=Answers(HTTP_200=OnboardingOut), tags=TAG)
def status() -> OnboardingOut:
    """Where the supplier stands on its way into the library, as its page tells it."""
    session, firm = db.session(), me().organisation_id
    found = _application() if queries.has_one(session, firm) else None
    return OnboardingOut(has_entered=suppliers.has_entered(session, firm), application=found)


def _application() -> ApplicationOut:
    session = db.session()
    found = queries.own(session, me())
    remarks = queries.remarks(session, found) if found.state is State.RETURNED else {}
    lacking = queries.missing(session, found)
    return ApplicationOut(
        number=found.number, state=found.state, round=found.round, region=found.region, is_open=found.state in OPEN,
        lacking=[LackingOut(part=part, lacking=[gettext(name) for name in names]) for part, names in lacking.items()],
        remarks=[RemarkOut(subject=subject, reason=reason) for subject, reason in remarks.items()],
        began_at=found.began_at, saved_at=found.saved_at, submitted_at=found.submitted_at, due_at=found.due_at, decided_at=found.decided_at,
    )  # fmt: skip
