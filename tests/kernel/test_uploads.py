"""Files lie under random names outside the web, and what no row knows is swept away."""

import os

import pytest
from sqlalchemy.orm import Session

from app.kernel import clock, contents, uploads
from app.kernel.contents import Bounds, Kind
from app.kernel.db import commit
from app.kernel.errors import Missing
from app.kernel.uploads import Upload
from app.policy import SYSTEM
from tests import factories
from tests.kernel.test_contents import PDF

CONTENT = contents.look(PDF, Bounds(most_bytes=10_000, most_pixels=1))


@pytest.fixture
def kept(session, tmp_path):
    with commit(session):
        of = factories.unit(session)
        return uploads.keep(session, SYSTEM, tmp_path, CONTENT, title="C:\\资料\\营业执照 (1).exe", organisation_id=of.id)


@pytest.mark.both_databases
def test_a_file_lies_under_a_name_that_nobody_guesses_and_only_its_owner_reads_on_disk(kept, tmp_path):
    place = uploads.path_of(tmp_path, kept)
    assert place.read_bytes() == PDF
    assert place.stat().st_mode & 0o777 == 0o600
    assert len(kept.name) == 32
    assert place == tmp_path / kept.name[:2] / kept.name
    assert (kept.title, kept.size_bytes, kept.kind) == ("营业执照 (1).pdf", len(PDF), Kind.PDF)


@pytest.mark.parametrize(
    ("given", "shown"),
    [("../../etc/passwd", "passwd.pdf"), ("a\r\nSet-Cookie: x.pdf", "aSet-Cookie x.pdf"), (".pdf", "pdf.pdf"), ("\u202egpj.exe", "gpj.pdf"), ("x" * 300, "x" * 95 + ".pdf")],
)
def test_the_name_that_is_offered_again_is_harmless(given, shown):
    assert uploads.tidy(given.replace(":", ""), Kind.PDF) == shown


def test_a_file_that_is_gone_is_missing(kept, tmp_path):
    uploads.path_of(tmp_path, kept).unlink()
    with pytest.raises(Missing):
        uploads.path_of(tmp_path, kept)


def test_a_file_whose_row_was_rolled_back_goes_after_a_day(session, kept, tmp_path):
    with pytest.raises(RuntimeError), commit(session):
        lost = uploads.keep(session, SYSTEM, tmp_path, CONTENT, title="x", organisation_id=kept.organisation_id)
        place = uploads.path_of(tmp_path, lost)
        raise RuntimeError
    engine = session.get_bind()
    assert uploads.sweep(lambda: Session(engine), tmp_path) == 0
    old = clock.wall_now().timestamp() - uploads.FORGOTTEN_AFTER_S - 60
    for file in (place, uploads.path_of(tmp_path, kept)):
        os.utime(file, (old, old))
    assert uploads.sweep(lambda: Session(engine), tmp_path) == 1
    assert not place.exists()
    assert uploads.path_of(tmp_path, kept).exists()
    assert factories.how_many(session, Upload) == 1
