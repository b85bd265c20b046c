"""The treasury from our side: applications go out, receipts are looked up when a webhook is lost, and the simulated one is driven."""

import json
import logging
from collections.abc import Callable, Sequence

import httpx
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.config import Settings
from app.kernel import clock, sweep
from app.kernel.db import commit
from app.kernel.errors import Refusal, Unavailable
from app.kernel.outbox import Consumer, Event, Timer
from orders.payments import queries, rules, service, statement
from orders.payments.gateway import PaymentGateway, gateway_for, simulator_for
from orders.payments.simulator.delivery import Post
from orders.payments.states import ApplicationState
from orders.payments.webhook_signature import HEADER
from orders.payments.wire.answers import Payment, Status
from orders.payments.wire.call import GatewayRefused, KeyReused, StillBlocked
from orders.purchases.states import State
from orders.purchases.tables import Order

log = logging.getLogger("mall.payments")
LANE = "payments"
PAYMENT_METHOD = "pm_treasury"
GATEWAY = "payments.gateway"
RECONCILE_EVERY_S, PROBE_EVERY_S, SIMULATE_EVERY_S, STATEMENT_EVERY_S = 20.0, 2.0, 1.0, 300.0

Sessions = Callable[[], Session]
Outcome = tuple[str, Payment | GatewayRefused]


def consumers(settings: Settings) -> tuple[Consumer, ...]:
    """Who sends applications to the treasury, and who starts the payment clock."""
    return (sender(gateway_for(settings), captures=bool(settings.payment_url)), starter())


def timers(settings: Settings) -> tuple[Timer, ...]:
    """Reconciliation; and the simulated treasury where there is no real one."""
    gateway, simulator = gateway_for(settings), simulator_for(settings)
    found = [
        Timer(name="payments.probe", every=PROBE_EVERY_S, run=lambda s: probe(s, gateway), lane=LANE),
        Timer(name="payments.reconcile", every=RECONCILE_EVERY_S, run=lambda s: reconcile(s, gateway), lane=LANE),
        Timer(name="payments.release", every=RECONCILE_EVERY_S, run=lambda s: release(s, gateway), lane=LANE),
        Timer(name="payments.statement", every=STATEMENT_EVERY_S, run=lambda s: take_statement(s, gateway), lane="statement"),
    ]
    if simulator is not None:
        found.append(
            Timer(
                name="payments.simulator",
                every=SIMULATE_EVERY_S,
                run=lambda s: simulator.deliver_due(post_to(settings, s, gateway)),
                lane="treasury",
            )
        )
    return tuple(found)


def starter() -> Consumer:
    """The consumer that starts the payment clock of accepted orders."""

    def start(session: Session, events: Sequence[Event], _result: None) -> None:
        for event in events:
            if json.loads(event.body)["state"] == State.ACCEPTED.value:
                service.start_clock(session, session.scalars(select(Order).where(Order.number == event.stream)).one())

    return Consumer(name="payments.clock", types=("order.accepted", "order.terminated"), inside=start, lane="fast")


def sender(gateway: PaymentGateway, *, captures: bool) -> Consumer:
    """The consumer that sends applications; `captures` when the provider waits for our capture (the simulated treasury decides itself).

    One event at a time, so that one application in trouble keeps no other waiting.
    """

    def send(session: Session, events: Sequence[Event]) -> list[Outcome]:
        return [out for event in events if (out := _sent(session, gateway, json.loads(event.body)["details"]["application"], captures))]

    def note(session: Session, _events: Sequence[Event], outcomes: list[Outcome]) -> None:
        if outcomes:
            service.line_answered(session)
        for number, answer in outcomes:
            if isinstance(answer, GatewayRefused):
                blocked = isinstance(answer, StillBlocked)
                service.send_back(session, number, answer.provider_code, intent=answer.payment_id, blocked=blocked)
            else:
                service.note_taken(session, number, answer)

    return Consumer(
        name=GATEWAY,
        types=("order.payment_applied",),
        outside=send,
        inside=note,
        batch=1,
        lane=LANE,
        ready=lambda session: not queries.is_paused(session),
        longest_pause_s=rules.LONGEST_PAUSE_S,
    )


def _sent(session: Session, gateway: PaymentGateway, number: str, captures: bool) -> Outcome | None:
    """Authorise (and capture) one application under its own keys for ever; what was decided already is left alone."""
    found = queries.by_application_number(session, number)
    if found is None or found[0].state is not ApplicationState.SENT:
        return None
    application = found[0]
    try:
        payment = gateway.authorise(
            key=f"{number}:authorise",
            application=number,
            amount_fen=application.amount_fen,
            payment_method=PAYMENT_METHOD,
            destination=application.payee_account,
            metadata={"order": found[1].number},
            first_sent_at=application.applied_at,
        )
        if captures and payment.status is Status.REQUIRES_CAPTURE:
            payment = _captured(gateway, number, payment)
    except GatewayRefused as refused:
        return number, refused
    except (Unavailable, KeyReused) as trouble:
        with commit(session):
            service.note_trouble(session, number, trouble.code)
            if isinstance(trouble, Unavailable):
                service.line_failed(session, trouble.code)
        raise
    return number, payment


def _captured(gateway: PaymentGateway, number: str, payment: Payment) -> Payment:
    """Take the authorised money; when that is refused let it go again, so that none stays blocked for a returned application.

    Raises StillBlocked when the gateway refuses that too; a payment that it took meanwhile after all is no refusal.
    """
    try:
        return gateway.capture(payment.id, key=f"{number}:capture", amount_fen=payment.amount_fen)
    except GatewayRefused as refused:
        told = {"provider_code": refused.provider_code, "provider_message": refused.provider_message, "payment_id": payment.id}
        try:
            gateway.cancel(payment.id, key=f"{number}:cancel")
        except GatewayRefused:
            present = gateway.get(payment.id)
            if present.status is Status.SUCCEEDED:
                return present
            if present.status is not Status.CANCELED:
                raise StillBlocked(**told) from refused
        raise GatewayRefused(**told) from refused


def release(sessions: Sessions, gateway: PaymentGateway) -> int:
    """Let go of money that stayed blocked for a returned application; under a new key, since a refusal is replayed under the old one."""
    with sessions() as session:
        blocked = [] if queries.is_paused(session) else [(row.number, row.intent or "") for row in queries.still_blocked(session)]
    done = 0
    for number, intent in blocked:
        try:
            if not gateway.get(intent).status.final:
                gateway.cancel(intent, key=f"{number}:cancel:{clock.now().timestamp():.0f}")
        except Unavailable as silent:
            log.warning("blocked money waits for the gateway", extra={"code": silent.code})
            return done
        except GatewayRefused as refused:
            log.warning("blocked money is not let go", extra={"intent": intent, "code": refused.provider_code})
            continue
        with sessions() as session, commit(session):
            service.note_released(session, number)
        done += 1
    return done


def reconcile(sessions: Sessions, gateway: PaymentGateway) -> int:
    """Look up payments whose receipt has not come (a webhook may be lost); returns how many were decided.

    All of them, longest waiting first: what the treasury thinks over for days keeps no newer one waiting.
    """
    decided, last = 0, 0
    with sessions() as session:
        if queries.is_paused(session):
            return 0
    while True:
        with sessions() as session:
            rows = queries.awaiting_receipt(session, after=last)
            intents = [row.intent for row in rows if row.intent]
        if not rows:
            return decided
        last = rows[-1].id
        found, silent = _looked_up(gateway, intents)
        with sessions() as session, commit(session):
            service.line_failed(session, silent.code) if silent else service.line_answered(session)
        decided += sweep.each(sessions, found, lambda s, intent, found=found: service.learn(s, found[intent]), name="payments.reconcile")  # type: ignore[misc]
        if silent:
            return decided


def _looked_up(gateway: PaymentGateway, intents: Sequence[str]) -> tuple[dict[str, Payment], Unavailable | None]:
    """The payments among these that are decided, and why the gateway fell silent on the way, if it did."""
    found: dict[str, Payment] = {}
    for intent in intents:
        try:
            payment = gateway.get(intent)
        except Unavailable as silent:
            log.warning("reconciliation waits for the gateway", extra={"code": silent.code})
            return found, silent
        except GatewayRefused as refused:
            log.warning("the gateway does not know a payment", extra={"intent": intent, "code": refused.provider_code})
            continue
        if payment.status.final:
            found[intent] = payment
    return found, None


def probe(sessions: Sessions, gateway: PaymentGateway) -> int:
    """Ask a gateway that fell silent one harmless question when its rest is over; 1 when the line is open again."""
    with sessions() as session:
        if not queries.probe_due(session):
            return 0
        with commit(session):
            if not service.take_probe(session):
                return 0
    try:
        gateway.ask()
    except Unavailable as silent:
        log.warning("the gateway is still silent", extra={"code": silent.code})
        return 0
    except GatewayRefused:
        pass  # an answer all the same
    with sessions() as session, commit(session):
        service.line_answered(session)
    return 1


def take_statement(sessions: Sessions, gateway: PaymentGateway) -> int:
    """Fetch what may have changed in the gateway's statement, for reconciliation; 0, because no other work follows from it."""
    with sessions() as session:
        if queries.is_paused(session):
            return 0
        since = statement.since(session)
    told_at = clock.now()
    try:
        payments = list(gateway.statement(since))
    except (Unavailable, GatewayRefused) as silent:
        log.warning("no statement of the gateway", extra={"code": silent.code})
        return 0
    with sessions() as session, commit(session):
        service.keep_statement(session, payments, since=since, told_at=told_at)
    return 0


def hear(sessions: Sessions, gateway: PaymentGateway, body: bytes, signature: str) -> bool:
    """A webhook, however it came: its signature is checked, then it is taken in once. Raises BadSignature, Unreadable."""
    event = gateway.parse_event(body, signature)
    with sessions() as session, commit(session):
        return service.receive_notice(session, event, body.decode())


def post_to(settings: Settings, sessions: Sessions, gateway: PaymentGateway) -> Post:
    """How the simulated treasury reaches us: over HTTP at our own address, or in process when no server of ours answers there."""

    def post(body: bytes, headers: dict[str, str]) -> int:
        try:
            answer = httpx.post(f"{settings.address}/payments/webhook", content=body, headers=headers, timeout=3.0, trust_env=False)
            if answer.is_success or answer.status_code == 400:
                return answer.status_code
        except httpx.HTTPError as unreachable:
            log.debug("our own server does not answer", extra={"reason": type(unreachable).__name__})
        try:
            hear(sessions, gateway, body, headers[HEADER])
        except Refusal as refused:
            return refused.status
        return 200

    return post
