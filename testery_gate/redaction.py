"""What must never be shown, should the API echo it."""

from __future__ import annotations

from testery_gate.model import clean_text


class Redaction:
    """Takes the token out of what the API says; where there is no token, nothing."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __repr__(self) -> str:
        return "Redaction(***)"

    def beginning(self, text: str) -> str:
        """Return a text that was cut off, without the token and without a part of it at the cut."""
        whole = self(text)
        return whole[: max(0, len(whole) - len(self._token))]

    def __call__(self, text: str) -> str:
        """Return a remote text cleaned, and without the token."""
        # Cleaned first: a control character could part the token and be dropped later.
        cleaned = clean_text(text)
        return cleaned.replace(self._token, "***") if self._token else cleaned
