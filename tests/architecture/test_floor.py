"""What the tests themselves stand on."""

import socket

import pytest
from pytest_socket import SocketConnectBlockedError
from sqlalchemy import text

from tests.peers import PEERS


def test_nothing_beyond_this_machine_can_be_reached():
    with pytest.warns(UserWarning, match="tried to use socket"), pytest.raises(SocketConnectBlockedError):
        socket.create_connection(("192.0.2.1", 80), timeout=1)


@pytest.mark.both_databases
@pytest.mark.parametrize("turn", ["first", "second"])
def test_every_test_has_a_database_of_its_own(session, turn):
    session.execute(text("CREATE TABLE mine (turn TEXT)"))
    assert session.scalar(text("SELECT count(*) FROM mine")) == 0
    assert session.scalar(text("SELECT count(*) FROM categories")) == 4304
    session.commit()


def test_every_outside_program_says_how_to_get_it():
    assert all(peer.get for peer in PEERS.values())
    assert [name for name, peer in PEERS.items() if not peer.required] == ["tessera", "meilisearch", "rival-shop"]
