"""Answers that are made while they are sent."""

from collections.abc import Iterator
from typing import AnyStr

from flask import stream_with_context

from app.web.extensions import db


def streamed(pieces: Iterator[AnyStr]) -> Iterator[AnyStr]:
    """The pieces of an answer; the request's session ends with them.

    Flask gives the session back when the view returns. A generator that was handed it begins to read anew, and without this nobody
    would end that: each download would keep a connection until the collector finds it.
    """
    session = db.session()

    def sent() -> Iterator[AnyStr]:
        try:
            yield from pieces
        finally:
            session.close()

    return stream_with_context(sent())
