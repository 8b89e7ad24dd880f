"""Where the broker is, and how one enters it: by password, NKEY or JWT, with or without TLS.

Files are read at the start, where something wrong ends it, and again for each connection:
certificates and credentials are renewed in place while a process runs. Every ValueError's message
continues the name of a variable.
"""

import ssl
from typing import Self

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator

from . import nkeys, secret_files
from .addresses import MAX_BUNDLE, NatsUrl, nodes
from .environment import EnvironmentSettings
from .nkeys import NkeyIdentity


class BrokerSettings(EnvironmentSettings):
    nats_url: NatsUrl = Field(
        default="nats://127.0.0.1:4222",
        description="Broker address, nats://host:port, or tls://host:port; several, separated by "
        "commas, for a cluster.",
    )
    nats_ca_file: str | None = Field(
        default=None,
        description="PEM file of the authorities that the broker's certificate must be signed by. "
        "Then nothing is said to a broker without TLS. By default those of the system, for tls://.",
    )
    nats_cert_file: str | None = Field(
        default=None, description="PEM file of the certificate that the broker asks for."
    )
    nats_key_file: str | None = Field(
        default=None,
        validate_default=True,
        description="PEM file of that certificate's private key, without a passphrase.",
    )
    nats_nkey_file: str | None = Field(
        default=None, description="File of the user's NKEY seed, instead of a password."
    )
    nats_creds_file: str | None = Field(
        default=None,
        description="File of credentials (`.creds`: a JWT and its NKEY seed), instead of a "
        "password.",
    )
    nats_user: str | None = Field(default=None, description="NATS user of this service.")
    nats_password: SecretStr | None = Field(default=None, description="Password of the NATS user.")

    @field_validator("nats_ca_file")
    @classmethod
    def _is_bundle(cls, path: str | None) -> str | None:
        if path is not None:
            secret_files.read_bytes(path, MAX_BUNDLE)
            try:
                ssl.create_default_context(cafile=path)
            except OSError:
                raise ValueError("names a file that holds no certificate in PEM") from None
        return path

    @field_validator("nats_cert_file")
    @classmethod
    def _is_there(cls, path: str | None) -> str | None:
        if path is not None:
            secret_files.read_bytes(path)
        return path

    @field_validator("nats_key_file")
    @classmethod
    def _belongs_together(cls, path: str | None, others: ValidationInfo) -> str | None:
        certificate = others.data.get("nats_cert_file")
        if "nats_cert_file" not in others.data:
            return path
        if path is None:
            if certificate is not None:
                raise ValueError("is not set, and ETP_NATS_CERT_FILE is")
            return None
        if certificate is None:
            raise ValueError("is set, and ETP_NATS_CERT_FILE is not")
        secret_files.read_bytes(path)
        try:
            _present(ssl.create_default_context(), certificate, path)
        except OSError:
            raise ValueError(
                "and ETP_NATS_CERT_FILE name no private key and certificate that belong together"
            ) from None
        return path

    @field_validator("nats_nkey_file")
    @classmethod
    def _is_seed(cls, path: str | None) -> str | None:
        if path is not None:
            nkeys.from_seed(secret_files.read(path))
        return path

    @field_validator("nats_creds_file")
    @classmethod
    def _is_creds(cls, path: str | None) -> str | None:
        if path is not None:
            nkeys.from_creds(secret_files.read(path))
        return path

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        ways = {
            "ETP_NATS_PASSWORD": self.nats_password,
            "ETP_NATS_NKEY_FILE": self.nats_nkey_file,
            "ETP_NATS_CREDS_FILE": self.nats_creds_file,
        }
        given = [name for name, value in ways.items() if value is not None]
        if len(given) > 1:
            msg = f"{' and '.join(given)} are set. Allowed: one of them"
            raise ValueError(msg)
        return self

    @property
    def asks_for_tls(self) -> bool:
        """Whether nothing may be said to the broker without it."""
        addresses = nodes(self.nats_url)
        return (
            self.nats_ca_file is not None
            or self.nats_cert_file is not None
            or any(one.startswith("tls://") for one in addresses)
        )

    def tls_context(self) -> ssl.SSLContext:
        """What the broker is checked by, and our own certificate.

        Raises OSError for files that cannot be used any more.
        """
        context = ssl.create_default_context(cafile=self.nats_ca_file)
        if self.nats_cert_file is not None and self.nats_key_file is not None:
            _present(context, self.nats_cert_file, self.nats_key_file)
        return context

    def identity(self) -> NkeyIdentity | None:
        """Who one is by key; None where one enters otherwise. Raises ValueError."""
        if self.nats_creds_file is not None:
            return nkeys.from_creds(secret_files.read(self.nats_creds_file))
        if self.nats_nkey_file is not None:
            return nkeys.from_seed(secret_files.read(self.nats_nkey_file))
        return None


def _present(context: ssl.SSLContext, certificate: str, key: str) -> None:
    # A passphrase would be asked for at the terminal.
    context.load_cert_chain(certificate, key, password=lambda: "")
