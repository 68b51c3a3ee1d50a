"""How is a request refused? In the form of OpenAI's errors, which every client understands."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["Refused", "error_body"]


class Refused(Exception):
    """Ends a request with an error: its status, what to say, and a word for programs.

    What is `final` is not to be tried again by a client that would by itself.
    """

    def __init__(self, status: int, message: str, *, code: str, final: bool = False) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.final = final

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the error: OpenAI's SDKs obey `x-should-retry`."""
        told = {"content-type": "application/json", "x-llmc-source": "error"}
        if self.status == 401:
            told["www-authenticate"] = "Bearer"
        return told | ({"x-should-retry": "false"} if self.final else {})

    @property
    def body(self) -> bytes:
        """The error as JSON."""
        return json.dumps(error_body(str(self), code=self.code)).encode()


def error_body(message: str, *, code: str) -> dict[str, Any]:
    """Return an error as OpenAI's API words it."""
    return {"error": {"message": message, "type": "llmc_error", "param": None, "code": code}}
