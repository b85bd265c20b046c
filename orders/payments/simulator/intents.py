"""Payments, charges and refunds of the simulated treasury, with the rules the real API keeps."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from orders.payments.simulator.state import Books, Thing
from orders.payments.simulator.wire import (
    ApiError,
    Params,
    bad_parameter,
    choice,
    flag,
    metadata,
    no_such,
    only,
    text,
    whole,
)

LARGEST_FEN = 999_999_999_999
DECLINED = {
    "pm_card_chargeDeclined": "generic_decline",
    "pm_card_visa_chargeDeclined": "generic_decline",
    "pm_card_chargeDeclinedInsufficientFunds": "insufficient_funds",
    "pm_treasury_no_cash_plan": "insufficient_funds",
}
CREATE = frozenset({
    "amount", "application_fee_amount", "automatic_payment_methods", "capture_method", "confirm", "confirmation_method", "currency",
    "customer", "description", "expand", "metadata", "off_session", "on_behalf_of", "payment_method", "payment_method_data",
    "payment_method_options", "payment_method_types", "receipt_email", "return_url", "setup_future_usage", "shipping",
    "statement_descriptor", "statement_descriptor_suffix", "transfer_data", "transfer_group", "use_stripe_sdk",
})
CONFIRM = frozenset({"capture_method", "expand", "off_session", "payment_method", "payment_method_types", "return_url"})
CAPTURE = frozenset({"amount_to_capture", "expand", "final_capture", "metadata", "statement_descriptor", "transfer_data"})
CANCEL = frozenset({"cancellation_reason", "expand"})
REFUND = frozenset({
    "amount", "charge", "expand", "metadata", "payment_intent", "reason", "refund_application_fee", "reverse_transfer",
})
REASONS = ("", "duplicate", "fraudulent", "requested_by_customer", "abandoned")


@dataclass(frozen=True, kw_only=True)
class Past:
    """A payment that was taken before these books were opened; the amount in fen."""

    intent: str
    receipt: str
    amount_fen: int
    destination: str
    metadata: Mapping[str, str]
    at: datetime


def remember(books: Books, payments: Iterable[Past]) -> int:
    """Enter payments of the past as taken, oldest first and without notices; those that are known stay. How many were given."""
    rows = [row for payment in sorted(payments, key=lambda each: each.at) for row in _past(payment)]
    insert = "INSERT OR IGNORE INTO things (id, kind, created, parent, state, body) VALUES (?, ?, ?, ?, ?, ?)"
    books.sql.executemany(insert, rows)
    return len(rows) // 2


def _past(payment: Past) -> Iterator[tuple[object, ...]]:
    second = int(payment.at.timestamp())
    shared = {
        "created": second, "livemode": False, "amount": payment.amount_fen, "currency": "cny", "metadata": dict(payment.metadata),
        "payment_method": "pm_treasury", "status": "succeeded", "transfer_data": {"destination": payment.destination},
    }  # fmt: skip
    charge = {
        "id": payment.receipt, "object": "charge", **shared, "amount_captured": payment.amount_fen, "amount_refunded": 0, "captured": True,
        "failure_code": None, "paid": True, "payment_intent": payment.intent, "refunded": False,
    }  # fmt: skip
    intent = {
        "id": payment.intent, "object": "payment_intent", **shared, "amount_capturable": 0, "amount_received": payment.amount_fen,
        "canceled_at": None, "cancellation_reason": None, "capture_method": "manual", "client_secret": None,
        "confirmation_method": "automatic", "customer": None, "description": None, "last_payment_error": None,
        "latest_charge": payment.receipt, "next_action": None, "payment_method_types": ["card"], "transfer_group": None,
    }  # fmt: skip
    yield payment.intent, "payment_intent", second, None, "succeeded", json.dumps(intent)
    yield payment.receipt, "charge", second, payment.intent, "succeeded", json.dumps(charge)


def create(books: Books, params: Params) -> Thing:
    """A new payment; with `confirm` it is authorised (or captured) at once."""
    only(params, CREATE)
    amount = whole(params, "amount")
    if amount is None:
        raise bad_parameter("amount", "Missing required param: amount.", "parameter_missing")
    if amount > LARGEST_FEN:
        raise bad_parameter("amount", "Amount must be no more than 12 digits.", "amount_too_large")
    currency = text(params, "currency")
    if currency is None:
        raise bad_parameter("currency", "Missing required param: currency.", "parameter_missing")
    if not (len(currency) == 3 and currency.isascii() and currency.isalpha()):
        raise bad_parameter("currency", f"Invalid currency: {currency}")
    transfer = _transfer(books, params)
    confirmed, method = flag(params, "confirm"), text(params, "payment_method")
    if confirmed and method is None:
        raise bad_parameter("payment_method", "You cannot confirm this PaymentIntent: payment_method is missing.")
    intent = books.add(
        "payment_intent",
        "pi",
        {
            "amount": amount,
            "amount_capturable": 0,
            "amount_received": 0,
            "canceled_at": None,
            "cancellation_reason": None,
            "capture_method": choice(params, "capture_method", ("automatic", "automatic_async", "manual"), "automatic_async"),
            "client_secret": None,
            "confirmation_method": "automatic",
            "currency": currency.lower(),
            "customer": text(params, "customer"),
            "description": text(params, "description"),
            "last_payment_error": None,
            "latest_charge": None,
            "metadata": metadata(params),
            "next_action": None,
            "payment_method": method,
            "payment_method_types": params.get("payment_method_types", ["card"]),
            "status": "requires_confirmation" if method else "requires_payment_method",
            "transfer_data": transfer,
            "transfer_group": text(params, "transfer_group"),
        },
    )
    intent["client_secret"] = f"{intent['id']}_secret_demo"
    books.save(intent)
    books.emit("payment_intent.created", intent)
    return _authorise(books, intent) if confirmed else intent


def confirm(books: Books, id: str, params: Params) -> Thing:  # noqa: A002
    """Try to authorise a payment."""
    only(params, CONFIRM)
    intent = known(books, id)
    _in_state(intent, "confirm", "requires_confirmation", "requires_payment_method")
    intent["payment_method"] = text(params, "payment_method") or intent["payment_method"]
    if intent["payment_method"] is None:
        raise bad_parameter("payment_method", "You cannot confirm this PaymentIntent: payment_method is missing.")
    return _authorise(books, intent)


def capture(books: Books, id: str, params: Params) -> Thing:  # noqa: A002
    """Take authorised money; what is not taken is released."""
    only(params, CAPTURE)
    intent = known(books, id)
    wanted = whole(params, "amount_to_capture")
    _in_state(intent, "capture", "requires_capture")
    amount = intent["amount_capturable"] if wanted is None else wanted
    if amount > intent["amount_capturable"]:
        raise ApiError(
            400,
            "The amount to capture is greater than the amount that can be captured.",
            code="amount_too_large",
            param="amount_to_capture",
        )
    return take(books, intent, amount)


def take(books: Books, intent: Thing, amount: int) -> Thing:
    """Move the money of an authorised payment to its destination."""
    charge = _charge(books, intent)
    charge |= {"captured": True, "amount_captured": amount}
    books.save(charge)
    intent |= {"status": "succeeded", "amount_capturable": 0, "amount_received": amount}
    books.save(intent)
    books.emit("charge.captured", charge)
    books.emit("payment_intent.succeeded", intent)
    return intent


def cancel(books: Books, id: str, params: Params) -> Thing:  # noqa: A002
    """Let a payment go that took no money."""
    only(params, CANCEL)
    intent = known(books, id)
    reason = choice(params, "cancellation_reason", REASONS, "") or None
    _in_state(
        intent,
        "cancel",
        "requires_payment_method",
        "requires_confirmation",
        "requires_action",
        "requires_capture",
    )
    return drop(books, intent, reason)


def drop(books: Books, intent: Thing, reason: str | None, failure: dict[str, Any] | None = None) -> Thing:
    """Cancel, with the treasury's own failure where it has one."""
    intent |= {
        "status": "canceled",
        "amount_capturable": 0,
        "canceled_at": books.second,
        "cancellation_reason": reason,
        "last_payment_error": failure,
    }
    books.save(intent)
    books.emit("payment_intent.canceled", intent)
    return intent


def refund(books: Books, params: Params) -> Thing:
    """Send captured money back, never more than is left."""
    only(params, REFUND)
    wanted, reason = whole(params, "amount"), choice(params, "reason", REASONS[:4], "") or None
    reverse, marks = flag(params, "reverse_transfer"), metadata(params)
    charge = _charge_to_refund(books, params)
    intent = known(books, charge["payment_intent"])
    left = charge["amount_captured"] - charge["amount_refunded"]
    if not charge["captured"]:
        raise ApiError(400, "This PaymentIntent has no captured charge to refund.", code="charge_not_captured")
    if left == 0:
        raise ApiError(400, f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    amount = left if wanted is None else wanted
    if amount > left:
        raise ApiError(
            400,
            f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})",
            code="amount_too_large",
            param="amount",
        )
    if reverse and intent["transfer_data"] is None:
        raise ApiError(400, "The charge has no transfer to reverse.", param="reverse_transfer")
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
    books.save(charge)
    made = books.add(
        "refund",
        "re",
        {
            "amount": amount,
            "charge": charge["id"],
            "currency": charge["currency"],
            "metadata": marks,
            "payment_intent": intent["id"],
            "reason": reason,
            "status": "succeeded",
            "transfer_reversal": f"trr_{charge['id'][3:]}" if reverse else None,
        },
        parent=intent["id"],
    )
    books.emit("refund.created", made)
    books.emit("charge.refunded", charge)
    return made


def known(books: Books, id: str, param: str = "intent") -> Thing:  # noqa: A002
    """The payment, or the API's 404."""
    intent = books.one("payment_intent", id)
    if intent is None:
        raise no_such("payment_intent", id, param)
    return intent


def _transfer(books: Books, params: Params) -> dict[str, Any] | None:
    """Where the money goes. Any account id is opened on first use: the demonstration treasury knows every supplier."""
    wanted = params.get("transfer_data")
    if wanted is None:
        return None
    if not isinstance(wanted, dict):
        raise bad_parameter("transfer_data", "Invalid object")
    only(wanted, frozenset({"destination", "amount"}))
    destination = text(wanted, "destination")
    if destination is None or not destination.startswith("acct_"):
        raise bad_parameter("transfer_data[destination]", f"No such destination: '{destination}'", "resource_missing")
    if books.one("account", destination) is None:
        books.add("account", "acct", {"charges_enabled": True, "payouts_enabled": True}, id=destination)
    part = whole(wanted, "amount")
    return {"destination": destination} if part is None else {"destination": destination, "amount": part}


def _authorise(books: Books, intent: Thing) -> Thing:
    decline = DECLINED.get(intent["payment_method"])
    charge = books.add(
        "charge",
        "ch",
        {
            "amount": intent["amount"],
            "amount_captured": 0,
            "amount_refunded": 0,
            "captured": False,
            "currency": intent["currency"],
            "failure_code": "card_declined" if decline else None,
            "metadata": intent["metadata"],
            "paid": decline is None,
            "payment_intent": intent["id"],
            "payment_method": intent["payment_method"],
            "refunded": False,
            "status": "failed" if decline else "succeeded",
            "transfer_data": intent["transfer_data"],
        },
        parent=intent["id"],
    )
    intent["latest_charge"] = charge["id"]
    if decline:
        error = {
            "type": "card_error",
            "code": "card_declined",
            "decline_code": decline,
            "message": "Your card was declined.",
        }
        intent |= {"status": "requires_payment_method", "payment_method": None, "last_payment_error": error}
        books.save(intent)
        books.emit("payment_intent.payment_failed", intent)
        raise ApiError(402, error["message"], **{**_without_message(error), "payment_intent": intent})
    if intent["capture_method"] == "manual":
        intent |= {"status": "requires_capture", "amount_capturable": intent["amount"], "last_payment_error": None}
        books.save(intent)
        books.emit("payment_intent.amount_capturable_updated", intent)
        return intent
    return take(books, intent, intent["amount"])


def _without_message(error: dict[str, str]) -> dict[str, Any]:
    return {name: value for name, value in error.items() if name != "message"}


def _charge(books: Books, intent: Thing) -> Thing:
    charge = books.one("charge", intent["latest_charge"])
    if charge is None:
        raise no_such("charge", str(intent["latest_charge"]))
    return charge


def _charge_to_refund(books: Books, params: Params) -> Thing:
    intent_id, charge_id = text(params, "payment_intent"), text(params, "charge")
    if intent_id is not None:
        intent = known(books, intent_id, "payment_intent")
        if intent["latest_charge"] is None:
            raise ApiError(400, "This PaymentIntent does not have a successful charge to refund.")
        return _charge(books, intent)
    charge = books.one("charge", charge_id or "")
    if charge is None:
        raise no_such("charge", str(charge_id), "charge")
    return charge


def _in_state(intent: Thing, action: str, *allowed: str) -> None:
    if intent["status"] not in allowed:
        raise ApiError(
            400,
            f"You cannot {action} this PaymentIntent because it has a status of {intent['status']}.",
            code="payment_intent_unexpected_state",
            payment_intent=intent,
        )
