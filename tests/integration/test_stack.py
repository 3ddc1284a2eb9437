"""The local stack is closed: each user and each principal is refused whatever it was not given."""

from __future__ import annotations

import os
import signal
import stat
import time
from collections.abc import Iterator
from typing import Any

import pytest
from joserfc import jwt
from joserfc.errors import BadSignatureError
from joserfc.jwk import KeySet, RSAKey
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.errors import GroupAuthorizationFailedError, TopicAuthorizationFailedError
from pymongo import MongoClient
from pymongo.errors import OperationFailure

import deploy.database
import deploy.topics
import deploy.trouble
from deploy.database import DATABASES
from deploy.declaration import Principal, declared
from deploy.quotas import apply_quotas, quotas_in_force
from shared.host.variables import VARIABLES, concerns
from shared.language.events import REGISTER_TOPIC
from tools.stack import Settings, Stack
from tools.stack.control import Control
from tools.stack.issuer import DUTIES
from tools.stack.record import Running
from tools.stack.settings import LIMITS, SERVICES

DECLARED = declared()
UNAUTHORIZED = 13
Client = MongoClient[dict[str, Any]]


def grants(principal: Principal, kind: str, topic: str) -> bool:
    """Whether the declaration lets a principal `read` or `write` a topic."""
    return topic in getattr(principal, kind)


# -- MongoDB ------------------------------------------------------------------------------------


@pytest.mark.parametrize("user", DATABASES)
def test_a_services_user_reads_and_writes_its_own_database_and_is_refused_every_other(
    stack: Stack, user: str
) -> None:
    with Client(stack.settings.mongodb_uri(user)) as client:
        client[user]["stack_test"].insert_one({"_id": user})
        assert client[user]["stack_test"].find_one_and_delete({"_id": user}) == {"_id": user}
        for other in (*(name for name in DATABASES if name != user), "admin", "local", "config"):
            for refused in (
                lambda other=other: client[other]["stack_test"].find_one(),
                lambda other=other: client[other]["stack_test"].insert_one({}),
                lambda other=other: client[other].list_collection_names(),
            ):
                with pytest.raises(OperationFailure) as failure:
                    refused()
                assert failure.value.code == UNAUTHORIZED


def test_without_a_password_mongodb_gives_nothing_away(stack: Stack) -> None:
    with (
        Client(stack.settings.mongodb_address, directConnection=True) as client,
        pytest.raises(OperationFailure) as failure,
    ):
        client["intake"]["referrals"].find_one()
    assert failure.value.code == UNAUTHORIZED


def test_a_service_may_end_the_sessions_of_its_predecessor(stack: Stack) -> None:
    """Its successor kills what a killed consumer left open, instead of waiting for the lifetime limit."""
    uri = stack.env_for("intake", "consume")["MONGODB_URI"]
    with Client(uri) as predecessor, Client(uri) as successor:
        collection = predecessor["intake"]["stack_test"]
        collection.insert_one({"_id": "held", "by": None})
        session = predecessor.start_session()
        session.start_transaction()
        collection.update_one({"_id": "held"}, {"$set": {"by": "predecessor"}}, session=session)
        successor["intake"].command("killSessions", [session.session_id])
        successor["intake"]["stack_test"].update_one(
            {"_id": "held"}, {"$set": {"by": "successor"}}, comment="would wait for the lifetime limit"
        )
        with pytest.raises(OperationFailure):
            session.commit_transaction()
        session.end_session()
        assert successor["intake"]["stack_test"].find_one_and_delete({"_id": "held"}) == {
            "_id": "held",
            "by": "successor",
        }


def test_a_transaction_left_open_is_ended_within_seconds(stack: Stack) -> None:
    with Client(stack.admin_mongo_uri) as client:
        limit = client.admin.command("getParameter", 1, transactionLifetimeLimitSeconds=1)
        assert limit["transactionLifetimeLimitSeconds"] == 5


def test_applying_the_database_again_changes_nothing(stack: Stack) -> None:
    def users() -> Any:
        with Client(stack.admin_mongo_uri) as client:
            return sorted(
                (user["user"], sorted(map(str, user["roles"])))
                for user in client.admin.command("usersInfo", 1)["users"]
            )

    before = users()
    deploy.database.apply(
        stack.settings.mongodb_address,
        admin=("admin", stack.settings.credentials.mongodb("admin")),
        passwords=deploy.topics.passwords_in(stack.settings.credentials.mongodb_folder()),
        replica_set="rs0",
        within_seconds=30,
    )
    assert users() == before


# -- Kafka --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def admin(stack: Stack) -> Iterator[KafkaAdminClient]:
    client = KafkaAdminClient(**stack.kafka_admin_config())
    yield client
    client.close()


def test_topics_and_their_partition_counts_are_those_declared(admin: KafkaAdminClient) -> None:
    there = {
        topic["name"]: len(topic["partitions"])
        for topic in admin.describe_topics()
        if not topic["is_internal"]
    }
    assert {topic.name: topic.partitions for topic in DECLARED.topics}.items() <= there.items()


def test_every_journey_topic_has_the_same_number_of_partitions() -> None:
    """The range assignor gives one process one journey's partition of every topic only so."""
    topics = [one for one in DECLARED.topics if one.name.startswith("journey.")]
    assert len({one.partitions for one in topics if one.name != REGISTER_TOPIC}) == 1


def test_applying_the_topics_again_changes_nothing(admin: KafkaAdminClient) -> None:
    assert deploy.topics.apply(admin, DECLARED, {}) == []


@pytest.mark.parametrize("principal", DECLARED.principals, ids=lambda principal: principal.name)
def test_a_principal_may_do_on_every_topic_what_was_granted_and_nothing_else(
    stack: Stack, admin: KafkaAdminClient, principal: Principal
) -> None:
    """As the broker itself answers it: a topic that one may do nothing with is not even shown."""
    # On the stack of a whole session agencies have joined and dashboards were opened.
    there = DECLARED.beside(deploy.topics.joined(admin), deploy.topics.opened(admin))
    (principal,) = [one for one in there.principals if one.name == principal.name]
    client = KafkaAdminClient(**stack.kafka_config(principal.name))
    try:
        may = {topic["name"]: set(topic["authorized_operations"]) for topic in client.describe_topics()}
    finally:
        client.close()
    expected: dict[str, set[str]] = {}
    for topic in there.topics:
        operations = {kind.upper() for kind in ("read", "write") if grants(principal, kind, topic.name)}
        if operations:
            expected[topic.name] = operations | {"DESCRIBE"}
    assert may == expected


def test_a_record_is_refused_on_anothers_topic_and_taken_on_ones_own(stack: Stack) -> None:
    producer = KafkaProducer(**stack.kafka_config("forsakringskassan"), max_block_ms=10_000)
    try:
        with pytest.raises(TopicAuthorizationFailedError):
            producer.send("inbound.arbetsformedlingen-skelleftea.referrals.v1", b"{}").get(timeout=10)
        producer.send("inbound.forsakringskassan.referrals.v1", b"{}").get(timeout=10)
    finally:
        producer.close(timeout=5)


def test_a_topic_that_one_may_only_write_cannot_be_read(stack: Stack) -> None:
    consumer = KafkaConsumer(
        **stack.kafka_config("forsakringskassan"), group_id=None, enable_auto_commit=False
    )
    try:
        partition = TopicPartition("inbound.forsakringskassan.referrals.v1", 0)
        consumer.assign([partition])
        consumer.seek(partition, 0)
        with pytest.raises(TopicAuthorizationFailedError):
            consumer.poll(timeout_ms=10_000)
    finally:
        consumer.close()


def test_a_principal_may_not_use_anothers_consumer_group(stack: Stack) -> None:
    consumer = KafkaConsumer(
        "journey.intake.v1", **stack.kafka_config("handover"), group_id="outcome", enable_auto_commit=False
    )
    try:
        with pytest.raises(GroupAuthorizationFailedError):
            consumer.poll(timeout_ms=10_000)
    finally:
        consumer.close()


@pytest.mark.parametrize(
    ("group", "taken"),
    [
        ("forsakringskassan", True),
        ("forsakringskassan.desk-2", True),
        ("forsakringskassan-umea-desk", False),
        ("forsakringskassa", False),
        ("figures", False),
    ],
)
def test_a_group_is_ones_own_by_its_whole_name_or_behind_a_dot(stack: Stack, group: str, taken: bool) -> None:
    consumer = KafkaConsumer(
        "inbound.forsakringskassan.replies.v1",
        **stack.kafka_config("forsakringskassan"),
        group_id=group,
        enable_auto_commit=False,
    )
    try:
        if taken:
            consumer.poll(timeout_ms=5_000)
            assert consumer.assignment()
        else:
            with pytest.raises(GroupAuthorizationFailedError):
                consumer.poll(timeout_ms=10_000)
    finally:
        consumer.close()


def test_the_broker_holds_the_quotas_that_are_declared(admin: KafkaAdminClient) -> None:
    declared_ones = {one.name: dict(one.quotas) for one in DECLARED.principals if one.quotas}
    assert quotas_in_force(admin, [one.name for one in DECLARED.principals]) == declared_ones
    assert set(declared_ones) >= set(DECLARED.agencies)


def test_a_quota_that_is_no_longer_declared_is_taken_away_and_comes_back(admin: KafkaAdminClient) -> None:
    user = DECLARED.agencies[0]
    (mine,) = [dict(one.quotas) for one in DECLARED.principals if one.name == user]
    assert list(apply_quotas(admin, {user: {"producer_byte_rate": 1000.0}})) == [f"quotas of {user}"]
    assert quotas_in_force(admin, [user]) == {user: {"producer_byte_rate": 1000.0}}
    assert list(apply_quotas(admin, {user: mine})) == [f"quotas of {user}"]
    assert list(apply_quotas(admin, {user: mine})) == []


def test_a_wrong_password_is_refused(stack: Stack) -> None:
    with pytest.raises(deploy.trouble.CannotApply, match="'intake'"):
        deploy.topics.connect(
            {**stack.kafka_config("intake"), "sasl_plain_password": "wrong"},
            within_seconds=0,
        )


# -- Issuer -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def key_set(stack: Stack) -> KeySet:
    import httpx

    stack.start("issuer")
    configuration = httpx.get(
        f"{stack.url('issuer')}/.well-known/openid-configuration", trust_env=False
    ).json()
    assert configuration["issuer"] == stack.env_for("intake")["OIDC_ISSUER"]
    assert configuration["jwks_uri"] == stack.env_for("intake")["OIDC_JWKS_URL"]
    return KeySet.import_key_set(httpx.get(configuration["jwks_uri"], trust_env=False).json())


@pytest.mark.parametrize("duty", DUTIES)
def test_a_token_verifies_against_the_issuers_key_set(stack: Stack, key_set: KeySet, duty: str) -> None:
    token = jwt.decode(stack.token("forsakringskassan", duty, person="p7"), key_set, algorithms=["RS256"])
    assert token.claims | {"iat": 0, "exp": 0} == {
        "iss": stack.url("issuer"),
        "aud": "journeys",
        "sub": "p7",
        "organisation": "forsakringskassan",
        "duty": duty,
        "iat": 0,
        "exp": 0,
    }
    assert token.claims["exp"] - token.claims["iat"] == 12 * 60 * 60
    with pytest.raises(BadSignatureError):
        jwt.decode(token_of_a_stranger(str(token.header["kid"])), key_set, algorithms=["RS256"])


def token_of_a_stranger(kid: str) -> str:
    return jwt.encode({"alg": "RS256", "kid": kid}, {"sub": "p7"}, RSAKey.generate_key(2048))


def test_the_key_set_holds_no_private_key(key_set: KeySet) -> None:
    assert [key for key in key_set.keys if key.is_private] == []


def test_the_issuer_gives_no_token_without_its_secret(stack: Stack, key_set: KeySet) -> None:
    import httpx

    form = {"grant_type": "client_credentials", "client_id": "x:analyst", "client_secret": "guess"}
    answer = httpx.post(f"{stack.url('issuer')}/token", data=form, trust_env=False)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


# -- Environment and supervision ----------------------------------------------------------------


@pytest.mark.parametrize(("service", "role"), [(s, role) for s, roles in SERVICES.items() for role in roles])
def test_a_service_is_told_what_the_contract_says_and_nothing_else(
    stack: Stack, service: str, role: str
) -> None:
    port = set() if role in ("web", "stream") else {"HTTP_PORT", *LIMITS}
    told = {one.name for one in VARIABLES if concerns(one.given_to, service, role)}
    needless = {
        "API_CONTACT_EMAIL",
        "KAFKA_CA_FILE",
        "OIDC_OTHER_ISSUERS",
        "TRUSTED_PROXIES",
        "VAULT_RETIRED_KEYS",
        "WEBHOOK_INSIDE",
    }
    assert set(stack.env_for(service, role)) == told - port - needless


def test_secrets_can_be_read_by_their_owner_only(stack: Stack) -> None:
    files = [path for path in (stack.settings.folder / "secrets").rglob("*") if path.is_file()]
    assert files
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_logs_can_be_read_by_their_owner_only(stack: Stack) -> None:
    files = list((stack.settings.folder / "logs").iterdir())
    assert files
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_a_second_stack_in_the_same_folder_is_refused(stack: Stack) -> None:
    from tools.stack import Trouble

    with pytest.raises(Trouble, match="already runs"), Stack(stack.settings):
        pass


def test_a_process_is_stopped_started_and_killed_by_name(stack: Stack, key_set: KeySet) -> None:
    first = stack.entries()["issuer"].running
    assert first is not None
    stack.stop("issuer")
    assert not first.alive()
    stack.start("issuer")
    second = stack.entries()["issuer"].running
    assert second is not None
    assert second != first
    stack.kill("issuer", signal.SIGKILL)
    deadline = time.monotonic() + 10
    while stack.entries()["issuer"].state != "failing":
        assert time.monotonic() < deadline
    assert stack.entries()["issuer"].last_exit == -signal.SIGKILL
    stack.start("issuer")


def test_a_process_id_used_again_is_not_taken_for_ours() -> None:
    this = Running.of(os.getpid())
    assert this is not None
    assert this.alive()
    assert not Running(this.pid, this.ticks - 1).alive()
    assert not Running(this.pid, this.ticks - 1).terminate()


def test_a_running_stack_is_seen_from_outside(stack: Stack, key_set: KeySet) -> None:
    control = Control(Settings(stack.port_base, stack.settings.folder))
    assert control.is_up()
    assert control.entries()["broker"].state == "ready"
    assert control.token("x", "analyst").count(".") == 2
