"""Commands on applications: a firm registers itself, writes, submits; the keeper of the library returns or admits. The way in commits."""

import hashlib
import json
from collections.abc import Mapping
from datetime import date
from importlib.resources import files
from typing import Any, Final

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from app.accounts.organisations import queries as organisations
from app.accounts.organisations.rules import NewOrganisation, check_phone
from app.accounts.organisations.service import register, strike_off
from app.accounts.people import queries as people
from app.accounts.people.rules import NewPerson
from app.accounts.people.service import add_person, set_roles
from app.kernel import clock, credit_codes, numbers, outbox, regions
from app.kernel.rows import insert_rows
from app.policy import SYSTEM, Actor, OrganisationKind, Permission, Role
from catalog.onboarding import events, queries, rules
from catalog.onboarding.rules import PAPER, AlreadyRegistered, Incomplete, Joining, NoReason, NotNow, NotOpen, UnknownSubject
from catalog.onboarding.states import OPEN, PART_NAMES, Action, Part, State, next_state
from catalog.onboarding.tables import Agreement, Application, Knock, Remark
from catalog.qualifications import queries as qualifications
from catalog.qualifications import service as papers
from catalog.qualifications.states import PaperState
from catalog.suppliers import rules as supplier_rules
from catalog.suppliers.service import Entry, enter, refuse_dishonest
from catalog.taxonomy import queries as taxonomy
from catalog.taxonomy.rules import TermName

_DATA: Final = files("catalog.onboarding") / "data"
OF_THE_STATE: Final = frozenset({"11", "13", "19"})
"""Registrar and class of organs and mass organisations (GB 32100, table of registrars)."""


def load_agreement(session: Session) -> int:
    """Put the shipped version of the agreement into the table; a version that is there stays as it is. Returns how many were new."""
    shipped = json.loads((_DATA / "agreement.json").read_text("utf-8"))
    if session.get(Agreement, shipped["version"]) is not None:
        return 0
    text = "\n".join(shipped["clauses"])
    publish_agreement(session, shipped["version"], shipped["title"], text, date.fromisoformat(shipped["valid_from"]))
    return 1


def publish_agreement(session: Session, version: str, title: str, text: str, valid_from: date) -> Agreement:
    """Add a version of the agreement that holds from a day on; earlier versions keep their words."""
    row = Agreement(version=version, title=title, text=text, sha256=hashlib.sha256(text.encode()).hexdigest(), valid_from=valid_from)
    session.add(row)
    session.flush()
    return row


# ---------------------------------------------------------------- the firm


RULE: Final = "JOIN"
"""The dated parameters of registering oneself."""


def knock(session: Session, mark: str, on: date) -> int:
    """Count an attempt to register and return how many this address has made today. No event: nobody is known yet.

    The way in commits this before it looks at anything typed, so that a hundred attempts at once are still a hundred.
    """
    counts: Any = Knock.__table__
    insert_rows(session, counts, [{"mark": mark, "day": on, "attempts": 0}], (counts.c.mark,), once=counts.c.mark)
    counted = update(Knock).where(Knock.mark == mark).values(attempts=Knock.attempts + 1).returning(Knock.attempts)
    return session.scalars(counted, execution_options={"synchronize_session": False}).one()


def refuse_many(session: Session, attempts: int) -> None:
    """Take no more than the dated number of attempts from one address a day. Raises TooManyKnocks."""
    most = taxonomy.parameters(session, RULE, clock.today()).get("per_day")
    if most is not None and attempts > most:
        raise rules.TooManyKnocks(most=most)


def forget_knocks(session: Session, before: date) -> int:
    """Drop the counts of days gone by; how many there were."""
    gone = session.scalars(delete(Knock).where(Knock.day < before).returning(Knock.mark), execution_options={"synchronize_session": False})
    return len(gone.all())


def join(session: Session, joining: Joining, *, password_hash: str) -> Application:
    """A firm registers itself and its administrator, and begins a draft.

    Raises BadCreditCode, NotAFirm, AlreadyRegistered, UnknownRegion, BadLogin, LoginTaken or BadPhone.
    """
    try:
        credit_codes.check(joining.credit_code)
    except credit_codes.BadCreditCode as bad:
        bad.field = "credit_code"
        raise
    if joining.credit_code[:2] in OF_THE_STATE:
        raise rules.NotAFirm()
    if organisations.is_registered(session, joining.credit_code):
        raise AlreadyRegistered(credit_code=joining.credit_code)
    kind = OrganisationKind.SUPPLIER
    new = NewOrganisation(kind=kind, code=joining.credit_code, name=joining.name, region=joining.region, credit_code=joining.credit_code)
    firm = register(session, SYSTEM, new)
    who = NewPerson(login=joining.login, name=joining.person, phone=joining.phone, roles=(Role.SUPPLIER_ADMIN,))
    person = add_person(session, SYSTEM, who, password_hash=password_hash, organisation_id=firm.id, must_change=False)
    now = clock.now()
    application = Application(
        number=numbers.new("RZ"),
        organisation_id=firm.id,
        applicant_id=person.id,
        state=State.DRAFT,
        round=0,
        region=joining.region,
        contact=joining.person,
        phone=joining.phone,
        began_at=now,
        saved_at=now,
    )
    session.add(application)
    session.flush()
    begun = events.ApplicationBegun(**_head(application), name=firm.name, credit_code=joining.credit_code)  # type: ignore[arg-type]
    _record(session, SYSTEM, application, begun)
    return application


def save(session: Session, actor: Actor, part: Part, values: Mapping[str, Any]) -> Application:
    """Keep what was typed in a part of the draft; empty fields stay empty until it is submitted.

    Raises Forbidden, Missing, NotOpen, and what is wrong with a field.
    """
    application = _open_for(session, actor)
    fitting = {name: values[name] for name in rules.FIELD_NAMES[part] if name in values}
    for name, value in fitting.items():
        setattr(application, name, _checked(name, value) if value not in (None, "", ()) else None)
    application.saved_at = clock.now()
    digest = hashlib.sha256(json.dumps(fitting, default=str, ensure_ascii=False, sort_keys=True).encode()).hexdigest()
    saved = events.ApplicationSaved(**_head(application), part=part.value, digest=digest)  # type: ignore[arg-type]
    _record(session, actor, application, saved)
    return application


def _checked(name: str, value: Any) -> Any:
    match name:
        case "phone":
            return check_phone(value)
        case "email":
            return rules.check_email(value)
        case "bank_account":
            return rules.check_account(value)
        case "payee_account":
            return rules.check_payee_account(value)
        case "founded_on":
            return rules.check_founded(value, clock.today())
        case "areas":
            return ",".join(supplier_rules.tidy_areas(value, regions.REGIONS))
        case "classes":
            return ",".join(sorted(set(value)))
    return value


def agree(session: Session, actor: Actor, version: str) -> Application:
    """Accept the agreement in the version that was shown. Raises Forbidden, Missing, NotOpen or AgreementChanged."""
    application = _open_for(session, actor)
    current = queries.agreement(session)
    if version != current.version:
        raise rules.AgreementChanged(version=current.version)
    application.agreement_version, application.agreed_by, application.agreed_at = current.version, actor.person_id, clock.now()
    application.saved_at = clock.now()
    accepted = events.AgreementAccepted(
        **_head(application), agreement=current.version, sha256=current.sha256, person_id=actor.person_id or 0  # type: ignore[arg-type]
    )
    _record(session, actor, application, accepted)
    return application


def note_papers(session: Session, actor: Actor) -> Application:
    """The draft may be written in, and a document is about to join it. Raises Forbidden, Missing or NotOpen."""
    application = _open_for(session, actor)
    application.saved_at = clock.now()
    return application


def submit(session: Session, actor: Actor) -> Application:
    """Hand the application over. Raises Forbidden, Missing, NotNow, Incomplete, or Dishonest (rule K01)."""
    actor.must(Permission.SUPPLIER_ADMINISTER)
    application = _held(session, queries.own(session, actor))
    if next_state(application.state, Action.SUBMIT) is None:
        raise NotNow()
    _complete(session, application)
    today = clock.today()
    application.round += 1
    application.submitted_at = clock.now()
    application.due_at = clock.end_of_day(taxonomy.term(session, TermName.REVIEW_SUPPLIER, application.region, today).after(today).on)
    papers.hand_over(session, application.organisation_id)
    _move(application, Action.SUBMIT)
    _record(session, actor, application, events.ApplicationSubmitted(**_head(application)))  # type: ignore[arg-type]
    return application


def withdraw(session: Session, actor: Actor) -> Application:
    """Take the application back to write on. Raises Forbidden, Missing or NotNow."""
    actor.must(Permission.SUPPLIER_ADMINISTER)
    application = _held(session, queries.own(session, actor))
    _move(application, Action.WITHDRAW)
    application.submitted_at = application.due_at = None
    _record(session, actor, application, events.ApplicationWithdrawn(**_head(application)))  # type: ignore[arg-type]
    return application


# ---------------------------------------------------------------- the keeper of the library


def send_back(session: Session, actor: Actor, number: str, reasons: Mapping[str, str]) -> Application:
    """Return the application with a reason for each part or document to be mended.

    Raises Forbidden, Missing, NotNow, NoReason or UnknownSubject.
    """
    actor.must(Permission.SUPPLIER_REVIEW)
    application = _held(session, queries.by_number(session, actor, number))
    given = {subject: reason.strip()[: rules.LONGEST_REASON] for subject, reason in reasons.items() if reason.strip()}
    if next_state(application.state, Action.RETURN) is None:
        raise NotNow()
    if not given:
        raise NoReason()
    handed_in = qualifications.current(session, application.organisation_id)
    asked = {each.code for each in queries.wanted_of(session, application)} | set(handed_in)
    for subject, reason in given.items():
        code = subject.removeprefix(PAPER)
        if subject not in set(Part) and (code == subject or code not in asked):
            raise UnknownSubject(subject=subject)
        for row in handed_in.get(code, ()) if code != subject else ():
            if row.paper.state is PaperState.WAITING:
                papers.send_back(session, actor, row.paper.id, reason)
        session.add(Remark(application_id=application.id, round=application.round, subject=subject, reason=reason, at=clock.now()))
    _decide(application, actor, Action.RETURN)
    _record(session, actor, application, events.ApplicationReturned(**_head(application), reasons=given))  # type: ignore[arg-type]
    return application


def admit(session: Session, actor: Actor, number: str) -> Application:
    """Let the supplier into the library: its documents are accepted, and its administrator may list goods and handle orders.

    Raises Forbidden, Missing, NotNow, Incomplete (a document ended meanwhile), or Dishonest (rule K01).
    """
    actor.must(Permission.SUPPLIER_REVIEW)
    application = _held(session, queries.by_number(session, actor, number))
    if next_state(application.state, Action.ADMIT) is None:
        raise NotNow()
    firm = _complete(session, application)
    for rows in qualifications.current(session, application.organisation_id).values():
        for row in rows:
            if row.paper.state is PaperState.WAITING:
                papers.accept(session, actor, row.paper.id)
    assert application.kind
    assert application.scale
    entry = Entry(
        organisation_id=firm.id,
        name=firm.name,
        kind=application.kind,
        scale=application.scale,
        legal_representative=application.legal_representative or "",
        contact=application.contact or "",
        phone=application.phone or "",
        bank_name=application.bank_name or "",
        bank_account=application.bank_account or "",
        payee_account=application.payee_account or "",
    )
    enter(session, actor, entry, areas=queries.codes_of(application.areas), classes=queries.codes_of(application.classes))
    held = people.roles_of(session, application.applicant_id)
    set_roles(session, SYSTEM, application.applicant_id, held | {Role.LISTER, Role.ORDER_CLERK})
    _decide(application, actor, Action.ADMIT)
    _record(session, actor, application, events.ApplicationAdmitted(**_head(application)))  # type: ignore[arg-type]
    return application


def _complete(session: Session, application: Application) -> organisations.Organisation:
    """The firm, when nothing is missing and no list names it. Raises Incomplete or Dishonest."""
    firm = organisations.by_id(session, application.organisation_id)
    refuse_dishonest(session, firm.credit_code, firm.name)
    lacking = queries.missing(session, application)
    if lacking:
        said = [name for part, names in lacking.items() for name in (names if part is not Part.AGREEMENT else (PART_NAMES[part],))]
        raise Incomplete(missing="、".join(said))
    return firm


# ---------------------------------------------------------------- the clock


def lapse(session: Session, application_id: int) -> bool:
    """End an open application in which nobody wrote for the term; its firm may register anew. False when it is not due."""
    application = _held(session, session.get_one(Application, application_id))
    written = clock.local(application.saved_at).date()
    due = taxonomy.term(session, TermName.SUPPLIER_DRAFT, application.region, written).after(written).on
    if application.state not in OPEN or due >= clock.today():
        return False
    _move(application, Action.LAPSE)
    strike_off(session, SYSTEM, application.organisation_id)
    _record(session, SYSTEM, application, events.ApplicationLapsed(**_head(application)))  # type: ignore[arg-type]
    return True


def _open_for(session: Session, actor: Actor) -> Application:
    actor.must(Permission.SUPPLIER_ADMINISTER)
    application = _held(session, queries.own(session, actor))
    if application.state not in OPEN:
        raise NotOpen()
    return application


def _held(session: Session, application: Application) -> Application:
    """The application as it stands now, held: of two steps at once the second finds the first."""
    session.refresh(application, with_for_update={"key_share": True})
    return application


def _decide(application: Application, actor: Actor, action: Action) -> None:
    application.decided_by, application.decided_at = actor.person_id, clock.now()
    _move(application, action)


def _move(application: Application, action: Action) -> None:
    target = next_state(application.state, action)
    if target is None:
        raise NotNow()
    application.state = target


def _head(application: Application) -> dict[str, object]:
    return {
        "application": application.number,
        "organisation_id": application.organisation_id,
        "state": application.state.value,
        "round": application.round,
    }


def _record(session: Session, actor: Actor, application: Application, fact: events.ApplicationFact) -> None:
    application.version += 1
    session.flush()
    owner, stream = application.organisation_id, application.number
    outbox.record(session, actor, fact, stream=stream, version=application.version, region=application.region, owner_id=owner)
