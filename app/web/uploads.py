"""Sends a file that somebody handed in, so that it stays a file: never a page of ours, never run, never kept by a cache."""

from io import BytesIO
from pathlib import Path

from flask import Response, current_app, send_file
from werkzeug.datastructures import FileStorage

from app.config import Settings
from app.kernel import contents, uploads
from app.kernel.contents import Bounds, Content, Kind
from app.kernel.uploads import Upload

POLICY = "default-src 'none'; img-src 'self'; sandbox"


def read(file: object, bounds: Bounds) -> tuple[Content, str]:
    """The content and the name of a file field. Raises NoFile, FileTooLarge and what `contents.look` raises."""
    if not isinstance(file, FileStorage) or not file.filename:
        raise contents.NoFile()
    with file.stream as stream:
        size = stream.seek(0, 2)
        stream.seek(0)
        if size > bounds.most_bytes:
            raise contents.too_large(size, bounds)
        return contents.look(stream.read(), bounds), file.filename


def folder() -> Path:
    """The folder of uploads in the data directory."""
    settings: Settings = current_app.config["SETTINGS"]
    return settings.folder(uploads.FOLDER)


def sent(upload: Upload) -> Response:
    """The answer that carries the file: pictures to be looked at, documents to be saved. Raises Missing."""
    response = send_file(
        BytesIO(uploads.path_of(folder(), upload).read_bytes()),
        mimetype=contents.MIME[upload.kind],
        as_attachment=upload.kind is Kind.PDF,
        download_name=upload.title,
        conditional=False,
        etag=False,
    )
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Cache-Control"] = "no-store"
    return response
