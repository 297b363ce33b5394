"""Why a TLS handshake failed, as one of the codes that people are told."""

import ssl
from collections.abc import Iterator

CERTIFICATES = {  # OpenSSL's own numbers
    9: "tls_expired",  # not valid yet
    10: "tls_expired",
    62: "tls_wrong_name",  # of the host
    64: "tls_wrong_name",  # of the address
}
TOO_OLD = {"UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION", "NO_PROTOCOLS_AVAILABLE"}


def tls_code(error: BaseException) -> str:
    """The code of what is at the bottom of an error that the libraries have wrapped."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return CERTIFICATES.get(cause.verify_code, "tls_untrusted")
        if isinstance(cause, ssl.SSLError) and cause.reason in TOO_OLD:
            return "tls_too_old"
    return "tls_failed"


def _causes(error: BaseException) -> Iterator[BaseException]:
    yield error
    wrapped = (*error.args, getattr(error, "reason", None), error.__cause__)
    for inner in wrapped:
        if isinstance(inner, BaseException) and inner is not error:
            yield from _causes(inner)
