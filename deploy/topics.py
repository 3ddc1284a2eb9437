"""Topics, Kafka users, access rules and quotas, made to agree with `topics.yaml`.

python -m deploy.topics apply

One command for every surrounding: the local stack, compose and a cluster run it with an administrator's credentials
from the environment. It may be run again at any time, and concurrently: what agrees already is left alone. It never
deletes a topic and never changes a partition count, since both would lose the order of written records. It says so
and fails instead.

Environment: KAFKA_BOOTSTRAP_SERVERS, KAFKA_SECURITY_PROTOCOL, KAFKA_USERNAME, KAFKA_PASSWORD, KAFKA_CA_FILE (with
SASL_SSL) and, optionally, KAFKA_PASSWORDS_DIR. That is a folder with one file per principal, with the same name, that
holds its password. Those users are made or given that password.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click
from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ConfigResource,
    ConfigResourceType,
    KafkaAdminClient,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
    ScramMechanism,
    UserScramCredentialDeletion,
    UserScramCredentialUpsertion,
)
from kafka.errors import KafkaConfigurationError, KafkaError, TopicAlreadyExistsError

from deploy.declaration import DASHBOARD, REFERRALS, VIEWER, Declaration, Principal, Topic, declared
from deploy.quotas import apply_quotas
from deploy.trouble import CannotApply

SCRAM = "SCRAM-SHA-512"
IN_FORCE_WITHIN_SECONDS = 30


def acls_of(principal: Principal) -> frozenset[ACL]:
    """The access rules that give a principal its grants and nothing else."""

    def allow(kind: ResourceType, name: str, pattern: ACLResourcePatternType, operation: ACLOperation) -> ACL:
        return ACL(
            f"User:{principal.name}",
            "*",
            operation,
            ACLPermissionType.ALLOW,
            ResourcePattern(kind, name, pattern),
        )

    def on_topic(name: str, operation: ACLOperation) -> ACL:
        return allow(ResourceType.TOPIC, name, ACLResourcePatternType.LITERAL, operation)

    def on_group(name: str) -> ACL:
        exact = not name.endswith("*")
        pattern = ACLResourcePatternType.LITERAL if exact else ACLResourcePatternType.PREFIXED
        return allow(ResourceType.GROUP, name.removesuffix("*"), pattern, ACLOperation.READ)

    rules = {on_topic(name, ACLOperation.WRITE) for name in principal.write}
    rules |= {on_topic(name, ACLOperation.READ) for name in principal.read}
    rules |= {on_group(name) for name in principal.groups}
    return frozenset(rules)


def connect(
    config: Mapping[str, Any], *, within_seconds: float, going_on: Callable[[], bool] = lambda: True
) -> KafkaAdminClient:
    """An admin client, waiting for a broker that is still starting.

    config: keyword arguments of kafka-python's clients. Blocks up to `within_seconds`, or until
    `going_on` says that there is nothing to wait for, then raises CannotApply. A wrong password
    looks the same as a broker that does not answer.
    """
    give_up_at = time.monotonic() + within_seconds
    while True:
        try:
            # The client waits longer and longer between tries; a start should take no longer than it must.
            _await_listener(config["bootstrap_servers"], give_up_at, going_on)
            return KafkaAdminClient(
                **config, request_timeout_ms=15_000, bootstrap_timeout_ms=3_000, reconnect_backoff_max_ms=200
            )
        except KafkaConfigurationError:
            raise
        except KafkaError as error:
            if time.monotonic() > give_up_at or not going_on():
                raise CannotApply(
                    f"Kafka at {config['bootstrap_servers']} did not accept {config.get('sasl_plain_username')!r} "
                    f"within {within_seconds:.0f} s: check that it runs and that the password is right ({error!r})"
                ) from error
            time.sleep(0.1)


def _await_listener(servers: list[str], give_up_at: float, going_on: Callable[[], bool]) -> None:
    host, _, port = servers[0].rpartition(":")
    while time.monotonic() < give_up_at and going_on():
        try:
            socket.create_connection((host, int(port)), timeout=1.0).close()
            return
        except OSError:
            time.sleep(0.05)


def apply(admin: KafkaAdminClient, declaration: Declaration, passwords: Mapping[str, str]) -> list[str]:
    """Make the cluster agree with the declaration; returns what was changed, one line each.

    Agencies that have joined (`deploy.agencies`) and dashboards that were opened (`deploy.dashboards`) keep what they
    have, and get what is declared for each. Users of earlier releases are taken away.

    Safe to repeat and to run concurrently. Raises CannotApply for a partition count that differs.
    """
    declaration = declaration.beside(joined(admin), opened(admin))
    return [
        *(line for user in declaration.former for line in withdraw(admin, user)),
        *_apply_users(admin, declaration, passwords),
        *_apply_topics(admin, declaration),
        *_apply_acls(admin, declaration),
        *apply_quotas(admin, {one.name: one.quotas for one in declaration.principals}),
    ]


def withdraw(admin: KafkaAdminClient, user: str, further: Iterable[ACLFilter] = ()) -> Iterator[str]:
    """Take the user, its rights and quotas, and what `further` finds. Safe to repeat. Raises CannotApply.

    Yields what was changed, one line each.
    """
    anything = ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY)
    its = ACLFilter(f"User:{user}", None, ACLOperation.ANY, ACLPermissionType.ALLOW, anything)
    # Its rights first: whoever is connected already is refused from then on.
    for rules in (its, *further):
        found, _ = admin.describe_acls(rules)
        if found:
            admin.delete_acls([rules])
            yield f"{len(found)} access rules withdrawn"
    if user in admin.describe_user_scram_credentials():
        refused = admin.alter_user_scram_credentials(
            [UserScramCredentialDeletion(user, ScramMechanism.SCRAM_SHA_512)]
        )
        if refused.get(user):
            raise CannotApply(f"Kafka kept the user {user}: {refused[user]}")
        yield f"user {user} removed"
    yield from apply_quotas(admin, {user: {}})


def _apply_users(
    admin: KafkaAdminClient, declaration: Declaration, passwords: Mapping[str, str]
) -> Iterator[str]:
    known = {principal.name for principal in declaration.principals}
    wanted = {name: password for name, password in passwords.items() if name in known}
    if not wanted:
        return
    refused = admin.alter_user_scram_credentials(
        [UserScramCredentialUpsertion(name, SCRAM, password) for name, password in wanted.items()]
    )
    if failures := {name: message for name, message in refused.items() if message}:
        raise CannotApply(f"Kafka refused these users: {failures}")
    yield f"users: {', '.join(sorted(wanted))}"


def _apply_topics(admin: KafkaAdminClient, declaration: Declaration) -> Iterator[str]:
    there = {topic["name"]: len(topic["partitions"]) for topic in admin.describe_topics()}
    missing = {
        topic.name: {"num_partitions": topic.partitions, "configs": dict(topic.config)}
        for topic in declaration.topics
        if topic.name not in there
    }
    if missing:
        # There already: someone else applies at the same time, and the same declaration.
        with contextlib.suppress(TopicAlreadyExistsError):
            admin.create_topics(missing, wait_for_metadata=True)
        yield from (f"topic {name}" for name in missing)
    for topic in declaration.topics:
        if there.get(topic.name, topic.partitions) != topic.partitions:
            raise CannotApply(
                f"{topic.name} has {there[topic.name]} partitions and {topic.partitions} are declared: changing the "
                "count would break the order per subject, so make a new topic version or correct topics.yaml"
            )
    existing = [topic for topic in declaration.topics if topic.name not in missing]
    if existing:
        yield from _apply_configs(admin, existing)


def _apply_configs(admin: KafkaAdminClient, topics: list[Topic]) -> Iterator[str]:
    found = admin.describe_configs(
        [ConfigResource(ConfigResourceType.TOPIC, topic.name, list(topic.config)) for topic in topics],
        config_filter="all",
    )
    different = [
        topic
        for topic in topics
        if {key: found["topic"][topic.name][key]["value"] for key in topic.config} != dict(topic.config)
    ]
    if different:
        admin.alter_configs(
            [ConfigResource(ConfigResourceType.TOPIC, topic.name, dict(topic.config)) for topic in different]
        )
        yield from (f"configuration of {topic.name}" for topic in different)


def _apply_acls(admin: KafkaAdminClient, declaration: Declaration) -> Iterator[str]:
    wanted = {rule for principal in declaration.principals for rule in acls_of(principal)}
    there = _acls_in_force(admin, declaration)
    if missing := wanted - there:
        result = admin.create_acls(list(missing))
        if result["failed"]:
            raise CannotApply(f"Kafka refused access rules: {result['failed']}")
        # The controller has them; a broker refuses until it has read them too, a second or more later.
        give_up_at = time.monotonic() + IN_FORCE_WITHIN_SECONDS
        while not wanted <= _acls_in_force(admin, declaration):
            if time.monotonic() > give_up_at:
                raise CannotApply(
                    f"Kafka took the access rules, but not in force in {IN_FORCE_WITHIN_SECONDS} s"
                )
            time.sleep(0.05)
        yield f"{len(missing)} access rules granted"
    if surplus := there - wanted:
        admin.delete_acls(
            [
                ACLFilter(
                    rule.principal,
                    rule.host,
                    rule.operation,
                    rule.permission_type,
                    ResourcePatternFilter(
                        rule.resource_pattern.resource_type,
                        rule.resource_pattern.resource_name,
                        rule.resource_pattern.pattern_type,
                    ),
                )
                for rule in surplus
            ]
        )
        yield f"{len(surplus)} access rules withdrawn"


def _acls_in_force(admin: KafkaAdminClient, declaration: Declaration) -> set[ACL]:
    """The rules of the declared principals, as the broker that we are connected to knows them."""
    anything = ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY)
    found, _ = admin.describe_acls(ACLFilter(None, None, ACLOperation.ANY, ACLPermissionType.ANY, anything))
    ours = {f"User:{principal.name}" for principal in declaration.principals}
    return {rule for rule in found if rule.principal in ours}


def joined(admin: KafkaAdminClient) -> tuple[str, ...]:
    """The agencies that have topics of their own: those that may write their referrals. Blocks."""
    found = _granted(admin, ACLOperation.WRITE)
    return tuple(sorted(user for user, topic in found if topic == REFERRALS.format(agency=user)))


def opened(admin: KafkaAdminClient) -> tuple[str, ...]:
    """The dashboards that have a user who may read their topic. Blocks."""
    found = _granted(admin, ACLOperation.READ)
    names = {user.removeprefix(VIEWER.format(dashboard="")): (user, topic) for user, topic in found}
    mine = {name: (VIEWER.format(dashboard=name), DASHBOARD.format(dashboard=name)) for name in names}
    return tuple(sorted(name for name, pair in names.items() if pair == mine[name]))


def _granted(admin: KafkaAdminClient, operation: ACLOperation) -> set[tuple[str, str]]:
    """(user, topic) of each right to do that with a topic of that name."""
    anything = ResourcePatternFilter(ResourceType.TOPIC, None, ACLResourcePatternType.LITERAL)
    found, _ = admin.describe_acls(ACLFilter(None, None, operation, ACLPermissionType.ALLOW, anything))
    return {(rule.principal.removeprefix("User:"), rule.resource_pattern.resource_name) for rule in found}


def config_from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    """kafka-python's client arguments from the KAFKA_* variables in the module's docstring."""
    protocol = environment["KAFKA_SECURITY_PROTOCOL"]
    config: dict[str, Any] = {
        "bootstrap_servers": environment["KAFKA_BOOTSTRAP_SERVERS"].split(","),
        "security_protocol": protocol,
    }
    if protocol.startswith("SASL"):
        config |= {
            "sasl_mechanism": SCRAM,
            "sasl_plain_username": environment["KAFKA_USERNAME"],
            "sasl_plain_password": environment["KAFKA_PASSWORD"],
        }
    if protocol.endswith("SSL") and environment.get("KAFKA_CA_FILE"):
        config["ssl_cafile"] = environment["KAFKA_CA_FILE"]
    return config


def passwords_in(folder: Path) -> dict[str, str]:
    """Each file's name and content: a principal and its password."""
    return {
        file.name: file.read_text(encoding="utf-8").strip() for file in folder.iterdir() if file.is_file()
    }


@click.group(help=__doc__)
def main() -> None:
    """Command line of this module."""


@main.command("apply")
@click.option("--wait-seconds", default=120.0, help="How long to wait for the broker.")
def apply_command(wait_seconds: float) -> None:
    """Create users, topics and access rules that are missing, and withdraw rules no longer declared."""
    folder = os.environ.get("KAFKA_PASSWORDS_DIR")
    try:
        admin = connect(config_from_environment(os.environ), within_seconds=wait_seconds)
        try:
            changed = apply(admin, declared(), passwords_in(Path(folder)) if folder else {})
        finally:
            admin.close()
    except KeyError as missing:
        sys.exit(f"Set the environment variable {missing.args[0]}.")
    except CannotApply as reason:
        sys.exit(str(reason))
    for line in changed:
        click.echo(line)


if __name__ == "__main__":
    main()
