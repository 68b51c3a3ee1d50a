from __future__ import annotations

import pytest
from storms import Echo


@pytest.fixture
def upstream(monkeypatch):
    """A model that says which question it answers, however many ask at once."""
    server = Echo()
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    yield server
    server.stop()
