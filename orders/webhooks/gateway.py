"""Sends one notice by Standard Webhooks and says what came of it."""

from app.kernel import clock
from app.kernel.errors import Refusal
from app.kernel.outgoing import Door, NoAnswer
from app.kernel.sealed import Seal, SealBroken
from orders.webhooks.rules import Outcome, Parcel, sign

AGENT = "mall-webhooks/1"
KEPT_HEADERS = ("content-type", "location", "retry-after", "server")


def deliver(door: Door, seal: Seal, parcel: Parcel) -> Outcome:
    """One try. A redirect is not followed and counts as a failure, as every answer but 2xx does."""
    try:
        secrets = [seal.open(each) for each in parcel.sealed]
    except SealBroken as broken:
        return Outcome(None, broken.code)
    timestamp = int(clock.wall_now().timestamp())
    body = parcel.body.encode()
    headers = {
        "Content-Type": "application/cloudevents+json; charset=utf-8",
        "User-Agent": AGENT,
        "webhook-id": parcel.message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(secrets, parcel.message_id, timestamp, body),
    }
    request = "\n".join([f"POST {parcel.url}", *(f"{name}: {value}" for name, value in headers.items()), "", parcel.body])
    try:
        answer = door.send("POST", parcel.url, headers=headers, content=body, longest_s=parcel.timeout_s)
    except NoAnswer as silent:
        return Outcome(None, silent.reason, request=request)
    except Refusal as refused:
        return Outcome(None, refused.code, request=request)
    kept = [f"{name}: {answer.headers[name]}" for name in KEPT_HEADERS if name in answer.headers]
    response = "\n".join([str(answer.status), *kept, "", answer.body.decode("utf-8", "replace").replace("\0", "")])
    return Outcome(answer.status, None, answer.took_ms, request, response)
