"""`/healthz`: whether this process can serve, for a load balancer."""

import logging

from flask import Blueprint, Flask, Response, jsonify
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app.web.extensions import db
from app.web.guard import public

log = logging.getLogger("mall.health")

bp = Blueprint("health", __name__)


def install(app: Flask) -> None:
    """Serve the address."""
    app.register_blueprint(bp)


@bp.get("/healthz")
@public
def healthz() -> tuple[Response, int]:
    """200 when the database answers, 503 otherwise; names no version and no address."""
    try:
        db.session.execute(text("SELECT 1"))
    except SQLAlchemyError:
        log.exception("the database does not answer")
        return jsonify(status="unavailable", database="down"), 503
    return jsonify(status="ok", database="up"), 200
