"""A certificate authority of one's own, as companies have them."""

from __future__ import annotations

import hashlib
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme
from cryptography import x509


class Authority:
    """Signs certificates for servers; who is to trust them needs its bundle."""

    def __init__(self) -> None:
        self._authority = trustme.CA()

    def context(self, *names: str, days: float = 30) -> ssl.SSLContext:
        """Return what a server needs to be any of the names; its time may have run out."""
        end = datetime.now(UTC) + timedelta(days=days)
        certificate = self._authority.issue_cert(
            *names, not_before=end - timedelta(days=90), not_after=end
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
        return context

    def bundle(self, path: Path) -> Path:
        """Write the authority's own certificate, and return the path."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._authority.cert_pem.write_to_path(path)
        return path

    def folder(self, path: Path) -> Path:
        """Write it into a folder under the name by which OpenSSL looks for it (openssl rehash)."""
        certificate = x509.load_pem_x509_certificate(self._authority.cert_pem.bytes())
        # In small letters, with single blanks, and without the header of the whole.
        canonical = x509.Name(
            x509.NameAttribute(part.oid, " ".join(str(part.value).lower().split()))
            for part in certificate.subject
        ).public_bytes()[2:]
        digest = hashlib.sha1(canonical).digest()  # noqa: S324  (a name, not a signature)
        self.bundle(path / f"{int.from_bytes(digest[:4], 'little'):08x}.0")
        return path
