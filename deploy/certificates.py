"""Certificates for an installation of its own: one authority that signs once and is then forgotten.

The authority's private key is never written down, so nobody can sign another certificate with it; when the
time is out, everything is made anew. A cluster that has an authority of its own needs none of this.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

VALID_DAYS = 825
RENEW_DAYS = 60


def issue(servers: Mapping[str, Iterable[str]], *, at: datetime) -> tuple[bytes, dict[str, bytes]]:
    """An authority's certificate, and for each server its private key and certificate in one PEM.

    servers: {server: host names and IP addresses by which its clients reach it}. at: now, UTC; the
    certificates hold from a day before it, for clocks that are slow, for VALID_DAYS days.
    """
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority_name = _name("journeys authority")
    authority = (
        _certificate(authority_name, authority_name, authority_key.public_key(), at)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    issued: dict[str, bytes] = {}
    for server, names in servers.items():
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            _certificate(_name(server), authority_name, key.public_key(), at)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(signs_certificates=False), critical=True)
            .add_extension(
                # A broker and a member of a replica set are clients of their own kind, too.
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]),
                critical=False,
            )
            .add_extension(
                x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False
            )
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False
            )
            .sign(authority_key, hashes.SHA256())
        )
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        issued[server] = private + certificate.public_bytes(serialization.Encoding.PEM)
    return authority.public_bytes(serialization.Encoding.PEM), issued


def holds(authority: bytes, *, at: datetime) -> bool:
    """Whether a certificate is good for another RENEW_DAYS days. at: now, UTC."""
    return x509.load_pem_x509_certificate(authority).not_valid_after_utc > at + timedelta(days=RENEW_DAYS)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _certificate(
    subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey, at: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(at.astimezone(UTC) - timedelta(days=1))
        .not_valid_after(at.astimezone(UTC) + timedelta(days=VALID_DAYS))
    )
