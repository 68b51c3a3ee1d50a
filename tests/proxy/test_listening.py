from __future__ import annotations

import socket

import pytest

from llmc.errors import LlmcError
from llmc.proxy import listening


def test_small_pieces_are_sent_at_once():
    """asyncio looks at the protocol to turn Nagle's delay off; with it a hit takes 45 ms."""
    with listening.bound("127.0.0.1", 0) as listener:
        assert listener.proto == socket.IPPROTO_TCP


def test_an_address_is_told_as_a_base_url():
    with listening.bound("127.0.0.1", 0) as listener:
        assert listening.url_of(listener) == f"http://127.0.0.1:{listener.getsockname()[1]}/v1"


@pytest.mark.parametrize("host", ["no.such.host.invalid", "192.0.2.1"])
def test_an_address_that_is_not_ours_is_refused(host):
    with pytest.raises(LlmcError, match="cannot listen on"):
        listening.bound(host, 0)
