"""TLS of a client: whom it trusts, with what it says who it is, and what went wrong in words."""

import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from poolscore.errors import (
    FailedPreconditionError,
    InvalidInputError,
    PoolscoreError,
    UnauthenticatedError,
)
from poolscore.user_files import file_errors

_TIMEOUT_S = 5.0
_ADVICE = "give certificates and keys as PEM files"

# OpenSSL's verification errors (x509_vfy.h): expired, not yet valid, other name, other address.
_EXPIRED, _TOO_EARLY, _OTHER_HOST = 10, 9, (62, 64)

# Parts of the names of the alerts with which a server refuses what the client has shown.
_REFUSALS: Mapping[str, str] = {
    "UNKNOWN_CA": "it is of an authority that the server does not know",
    "CERTIFICATE_EXPIRED": "it has expired",
    "CERTIFICATE_REVOKED": "it was revoked",
    "BAD_CERTIFICATE": "the server does not accept it",
    "CERTIFICATE_UNKNOWN": "the server does not accept it",
    "DECRYPT_ERROR": "it does not belong to the key",
    "HANDSHAKE_FAILURE": "the server does not accept it",
}


@dataclass(frozen=True)
class Tls:
    """Files of a client, as PEM."""

    ca: Path | None = None
    """Authorities that a server's certificate may be of; None: those that this machine trusts."""
    certificate: Path | None = None
    """The client's own certificate with its chain; None: it shows none."""
    key: Path | None = None
    """Key of that certificate; None: it is in the same file."""

    def context(self) -> ssl.SSLContext:
        """For Python's own sockets. Raises InvalidInputError TLS_FILE_INVALID."""
        context = ssl.create_default_context()
        context.set_alpn_protocols(["h2"])
        if self.ca is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            load_authorities(context, self.ca)
        if self.certificate is not None:
            load_certificate(context, self.certificate, self.key)
        elif self.key is not None:
            raise InvalidInputError(
                f"'{self.key}' is the key of no certificate; {_ADVICE}", reason="TLS_FILE_INVALID"
            )
        return context


def load_authorities(context: ssl.SSLContext, path: Path) -> None:
    """Trust the authorities in a file. Raises InvalidInputError TLS_FILE_INVALID."""
    with file_errors(path, _ADVICE, "TLS_FILE_INVALID"):
        text = path.read_text("ascii")
    try:
        context.load_verify_locations(cadata=text)
    except (ssl.SSLError, ValueError) as error:
        raise InvalidInputError(
            f"'{path}' holds no certificate: {_words(error)}; {_ADVICE}", reason="TLS_FILE_INVALID"
        ) from error


def load_certificate(context: ssl.SSLContext, certificate: Path, key: Path | None) -> None:
    """Load a certificate with its key. Raises InvalidInputError TLS_FILE_INVALID."""
    for path in (certificate, key or certificate):
        with file_errors(path, _ADVICE, "TLS_FILE_INVALID"):
            path.read_bytes()
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except (ssl.SSLError, ValueError) as error:
        where = f"'{certificate}'" if key is None else f"'{certificate}' and '{key}'"
        raise InvalidInputError(
            f"{where} do not hold a certificate and its unencrypted key: {_words(error)}; "
            f"{_ADVICE}",
            reason="TLS_FILE_INVALID",
        ) from error


def key_beside(certificate: Path) -> Path | None:
    """The key `edge.key` of a certificate `edge.crt`; None: it is in the same file."""
    key = certificate.with_suffix(".key")
    # As HAProxy does with `ssl-load-extra-del-ext`.
    return key if certificate.suffix == ".crt" and key.exists() else None


def handshake_problem(host: str, port: int, tls: Tls) -> PoolscoreError | None:
    """Shake hands with a server; what was wrong with it, None when all went well.

    Raises OSError when nobody answers.
    """
    at = f"{host}:{port}"
    try:
        with (
            socket.create_connection((host, port), timeout=_TIMEOUT_S) as plain,
            tls.context().wrap_socket(plain, server_hostname=host) as connection,
        ):
            # In TLS 1.3 a server looks at the client's certificate after the client is done.
            connection.recv(1)
    except ssl.SSLCertVerificationError as error:
        return _server_problem(error, at)
    except ssl.SSLError as error:
        return _client_problem(error, at, shown=tls.certificate is not None)
    return None


def tls_is_spoken(host: str, port: int) -> bool:
    """Whether a server answers a TLS handshake. Raises OSError when nobody answers."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    with socket.create_connection((host, port), timeout=_TIMEOUT_S) as plain:
        try:
            context.wrap_socket(plain, server_hostname=host).close()
        except ssl.SSLError:
            return False
    return True


def _server_problem(error: ssl.SSLCertVerificationError, at: str) -> PoolscoreError:
    if error.verify_code in (_EXPIRED, _TOO_EARLY):
        return FailedPreconditionError(
            f"the certificate of {at} has expired or is not valid yet; ask its operator to renew "
            "it, and check this machine's clock",
            reason="TLS_EXPIRED",
        )
    if error.verify_code in _OTHER_HOST:
        return FailedPreconditionError(
            f"the certificate of {at} is for another name: {error.verify_message}; use the name "
            "that it was made for",
            reason="TLS_WRONG_HOST",
        )
    return FailedPreconditionError(
        f"the certificate of {at} is of an authority that is not trusted here "
        f"({error.verify_message}); name the file of its authority in POOLSCORE_TLS_CA",
        reason="TLS_UNTRUSTED",
    )


def _client_problem(error: ssl.SSLError, at: str, *, shown: bool) -> PoolscoreError | None:
    reason = error.reason or ""
    if "WRONG_VERSION_NUMBER" in reason or "RECORD_LAYER" in reason:
        return FailedPreconditionError(
            f"{at} speaks no TLS; write the address without https://", reason="TLS_NOT_SPOKEN"
        )
    if not shown and "ALERT" in reason:
        return UnauthenticatedError(
            f"{at} asks for a client certificate; name one in POOLSCORE_TLS_CERTIFICATE, and its "
            "key in POOLSCORE_TLS_KEY",
            reason="TLS_CERTIFICATE_MISSING",
        )
    for name, why in _REFUSALS.items():
        if f"ALERT_{name}" in reason:
            return UnauthenticatedError(
                f"{at} refuses the client certificate: {why}; ask its operator for another one",
                reason="TLS_CERTIFICATE_REFUSED",
            )
    return None


def _no_password() -> NoReturn:
    raise ValueError("the key is encrypted")


def _words(error: Exception) -> str:
    reason = error.reason if isinstance(error, ssl.SSLError) and error.reason else str(error)
    return reason.replace("_", " ").lower()
