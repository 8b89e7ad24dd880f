"""Certificates for servers and clients on loopback, made for one test and signed by its own CA."""

import datetime as dt
import ipaddress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LIFE = dt.timedelta(days=1)


@dataclass(frozen=True)
class Pair:
    """A certificate and its private key, as PEM files."""

    certificate: Path
    key: Path


class Authority:
    """Signs for ``folder``; ``file`` is what its clients and servers check by."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = (
            _begun(self._name, self._name, self._key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def sign(self, name: str, host: str = "127.0.0.1", life: dt.timedelta = LIFE) -> Pair:
        """A certificate of ``name`` for a server at ``host``, or for a client.

        A ``life`` below 0 is over.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        begun = _begun(_named(name), self._name, key, life)
        return self._pair(name, key, _at(begun, host).sign(self._key, hashes.SHA256()))

    def self_signed(self, name: str, host: str = "127.0.0.1") -> Pair:
        """One that no authority signed."""
        key = ec.generate_private_key(ec.SECP256R1())
        begun = _begun(_named(name), _named(name), key)
        return self._pair(name, key, _at(begun, host).sign(key, hashes.SHA256()))

    def _pair(
        self, name: str, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate
    ) -> Pair:
        pair = Pair(self._folder / f"{name}.pem", self._folder / f"{name}-key.pem")
        pair.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        pair.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        # PostgreSQL takes no key that others may read.
        pair.key.chmod(0o600)
        return pair


def _begun(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    life: dt.timedelta = LIFE,
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - LIFE)
        .not_valid_after(now + life)
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _at(begun: x509.CertificateBuilder, host: str) -> x509.CertificateBuilder:
    alternatives = [x509.IPAddress(ipaddress.ip_address(host)), x509.DNSName("localhost")]
    return begun.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)


@cache
def ca_of(length: int, padding: str = "#") -> str:
    """An authority's certificate as PEM, with so many characters by a comment before it."""
    with TemporaryDirectory() as folder:
        pem = Authority(Path(folder)).file.read_text()
    return "\n".join(("".ljust(length - len(pem) - 1, padding), pem))
