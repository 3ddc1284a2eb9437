"""What `deploy.preparation` writes: readable by one user each, true to the environment, renewed in time."""

import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from deploy.certificates import RENEW_DAYS, VALID_DAYS, issue
from deploy.declaration import declared
from deploy.preparation import SERVERS, Owners, prepare
from tests.support.deployment import filled_environment

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
ME = Owners(kafka=os.getuid(), mongodb=os.getuid(), service=os.getuid())


def verify(authority: bytes, server: bytes, name: str, at: datetime) -> None:
    """Check a server's certificate as a client does. Raises VerificationError."""
    store = Store(x509.load_pem_x509_certificates(authority))
    certificates = x509.load_pem_x509_certificates(server)
    verifier = PolicyBuilder().store(store).time(at).build_server_verifier(x509.DNSName(name))
    verifier.verify(certificates[0], certificates[1:])


def test_each_secret_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    prepare(tmp_path, filled_environment(), ME, at=AT)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    modes = {str(path.relative_to(tmp_path)): stat.S_IMODE(path.stat().st_mode) for path in files}
    assert modes.pop("authority/ca.pem") == 0o444
    assert set(modes.values()) == {0o400}
    assert {path.name for path in (tmp_path / "passwords/kafka").iterdir()} == {
        one.name for one in declared().principals
    }


def test_passwords_follow_the_environment_and_certificates_stay(tmp_path: Path) -> None:
    environment = filled_environment()
    prepare(tmp_path, environment, ME, at=AT)
    before = (tmp_path / "kafka/server.pem").read_bytes()
    environment["MONGODB_PASSWORD_INTAKE"] = "another"
    prepare(tmp_path, environment, ME, at=AT + timedelta(days=1))
    assert (tmp_path / "passwords/mongodb/intake").read_text() == "another"
    assert (tmp_path / "kafka/server.pem").read_bytes() == before


def test_certificates_are_made_anew_together_before_they_run_out(tmp_path: Path) -> None:
    environment = filled_environment()
    prepare(tmp_path, environment, ME, at=AT)
    before = (tmp_path / "authority/ca.pem").read_bytes()
    late = AT + timedelta(days=VALID_DAYS - RENEW_DAYS)
    prepare(tmp_path, environment, ME, at=late)
    authority = (tmp_path / "authority/ca.pem").read_bytes()
    assert authority != before
    for server in SERVERS:
        verify(authority, (tmp_path / server / "server.pem").read_bytes(), server, late + timedelta(days=700))


def test_a_preparation_that_was_cut_off_is_begun_anew(tmp_path: Path) -> None:
    environment = filled_environment()
    prepare(tmp_path, environment, ME, at=AT)
    (tmp_path / "authority/ca.pem").unlink()
    prepare(tmp_path, environment, ME, at=AT)
    authority = (tmp_path / "authority/ca.pem").read_bytes()
    for server in SERVERS:
        verify(authority, (tmp_path / server / "server.pem").read_bytes(), server, AT)


def test_a_missing_password_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    environment = filled_environment()
    del environment["KAFKA_PASSWORD_ACTIVITY_TRACKING"]
    with pytest.raises(KeyError, match="KAFKA_PASSWORD_ACTIVITY_TRACKING"):
        prepare(tmp_path, environment, ME, at=AT)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "days"),
    [("mongodb", 1), ("kafka", -2), ("kafka", VALID_DAYS + 1)],
    ids=["name", "early", "late"],
)
def test_a_certificate_holds_for_its_names_and_its_time_only(name: str, days: int) -> None:
    authority, servers = issue({"kafka": ["kafka"]}, at=AT)
    verify(authority, servers["kafka"], "kafka", AT)
    with pytest.raises(VerificationError):
        verify(authority, servers["kafka"], name, AT + timedelta(days=days))


def test_the_authority_s_private_key_is_kept_nowhere() -> None:
    authority, servers = issue({"kafka": ["kafka"], "mongodb": ["mongodb"]}, at=AT)
    assert b"PRIVATE KEY" not in authority
    for server in servers.values():
        assert server.count(b"-----BEGIN") == 2
        extensions = x509.load_pem_x509_certificate(server).extensions
        assert not extensions.get_extension_for_class(x509.BasicConstraints).value.ca
