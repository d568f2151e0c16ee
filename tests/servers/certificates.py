"""Certificates of a test authority, good ones and broken ones."""

import datetime
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

DAY = datetime.timedelta(days=1)
_NETSCAPE_COMMENT = x509.ObjectIdentifier("2.16.840.1.113730.1.13")
_IA5_STRING = 0x16


class Authority:
    """Signs certificates for tests; `bundle` is the file of its own certificate in `folder`."""

    def __init__(self, folder: Path, name: str = "test authority") -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        own = _builder(self._name, self._name, self._key.public_key(), days=30)
        basic = x509.BasicConstraints(ca=True, path_length=0)
        self._own = own.add_extension(basic, critical=True).sign(self._key, hashes.SHA256())
        self.bundle = folder / f"{name}.pem"
        self.bundle.write_bytes(self._own.public_bytes(serialization.Encoding.PEM))

    def context(
        self, host: str, *, days: int, begins: int = -1, comment: bytes = b""
    ) -> ssl.SSLContext:
        """A server's context with the certificate and key of `file`."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file(host, days=days, begins=begins, comment=comment))
        return context

    def file(self, host: str, *, days: int, begins: int = -1, comment: bytes = b"") -> Path:
        """A file with the key and certificate of a server of the name `host`, valid from `begins`
        days from now until `days` from now; with a comment of at most 127 bytes, if wanted."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
        names = x509.SubjectAlternativeName([x509.DNSName(host)])
        builder = _builder(subject, self._name, key.public_key(), days=days, begins=begins)
        builder = builder.add_extension(names, critical=False)
        if comment:
            written = bytes([_IA5_STRING, len(comment)]) + comment
            told = x509.UnrecognizedExtension(_NETSCAPE_COMMENT, written)
            builder = builder.add_extension(told, critical=False)
        leaf = builder.sign(self._key, hashes.SHA256())
        file = self._folder / f"{host} {begins} {days}.pem"
        file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + leaf.public_bytes(serialization.Encoding.PEM)
        )
        return file


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    *,
    days: int,
    begins: int = -1,
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + begins * DAY)
        .not_valid_after(now + days * DAY)
    )
