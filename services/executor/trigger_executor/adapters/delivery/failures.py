"""What an error of the HTTP client says of the receiver, or of us."""

import errno
import ssl

import aiohttp

from trigger_contracts.deliveries.outcomes import FailureCode
from trigger_executor.domain.delivery.attempt import Cause

_OURS = frozenset(
    {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS, errno.EADDRNOTAVAIL, errno.EAGAIN}
)
_REFUSED = frozenset(
    {
        errno.ECONNREFUSED,
        errno.EHOSTUNREACH,
        errno.ENETUNREACH,
        errno.EHOSTDOWN,
        errno.ENETDOWN,
        errno.EACCES,
        errno.EPERM,
    }
)
"""No connection to be had, whether somebody says so or no way leads there."""


def failure_of(error: Exception) -> FailureCode | Cause:
    """The code of an attempt that ended with ``error``, or what of ours it was."""
    match error:
        case aiohttp.ClientSSLError() | aiohttp.ClientConnectorCertificateError() | ssl.SSLError():
            return FailureCode.TLS
        case TimeoutError():
            return FailureCode.TIMEOUT
        case aiohttp.ClientResponseError() | aiohttp.ClientPayloadError() | ValueError():
            return FailureCode.PROTOCOL
        case OSError():
            return _of_errno(error)
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientConnectionError():
            return FailureCode.RESET
        case _:
            return FailureCode.PROTOCOL


def _of_errno(error: OSError) -> FailureCode | Cause:
    if error.errno in _OURS:
        return Cause.MACHINE
    if error.errno == errno.ETIMEDOUT:
        return FailureCode.TIMEOUT
    # Several addresses that failed in several ways have no number in common.
    is_connecting = isinstance(error, aiohttp.ClientConnectorError)
    if error.errno in _REFUSED or (is_connecting and error.errno is None):
        return FailureCode.REFUSED
    return FailureCode.RESET
