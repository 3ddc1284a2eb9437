"""How much each Kafka user may send, read and ask in a second: client quotas, made to agree with `topics.yaml`.

Kafka keeps them per user and slows a client that exceeds them; nothing is refused and nothing lost. kafka-python has
the two requests and no method for them.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from kafka.admin import KafkaAdminClient
from kafka.protocol.admin import AlterClientQuotasRequest, DescribeClientQuotasRequest

from deploy.trouble import CannotApply

USER = "user"
ANY_NAME = 2
"""How a filter matches: every entity that has a name."""
IN_FORCE_WITHIN_SECONDS = 30


def apply_quotas(admin: KafkaAdminClient, wanted: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    """Give each user its quotas and take those that are not declared. Yields what was changed, one line each.

    wanted: {user: {Kafka's name of a quota: its value, per broker}}. Blocks. Raises CannotApply.
    """
    there = quotas_in_force(admin, wanted)
    different = {user: declared for user, declared in wanted.items() if there.get(user, {}) != declared}
    if not different:
        return
    entries = [
        AlterClientQuotasRequest.EntryData(
            entity=[AlterClientQuotasRequest.EntryData.EntityData(entity_type=USER, entity_name=user)],
            ops=[*_set(declared), *_removed(there.get(user, {}).keys() - declared.keys())],
        )
        for user, declared in different.items()
    ]
    answer = _asked(admin, AlterClientQuotasRequest(entries=entries, validate_only=False))
    refused = {one.entity[0].entity_name: one.error_message for one in answer.entries if one.error_code}
    if refused:
        raise CannotApply(f"Kafka refused these quotas: {refused}")
    # The controller has them; a broker tells the old ones until it has read them too.
    give_up_at = time.monotonic() + IN_FORCE_WITHIN_SECONDS
    while any(quotas_in_force(admin, [user]).get(user, {}) != wanted[user] for user in different):
        if time.monotonic() > give_up_at:
            raise CannotApply(f"Kafka took the quotas, but not in force in {IN_FORCE_WITHIN_SECONDS} s")
        time.sleep(0.05)
    yield from (f"quotas of {user}" for user in sorted(different))


def quotas_in_force(admin: KafkaAdminClient, users: Collection[str]) -> dict[str, dict[str, float]]:
    """{user: its quotas, by Kafka's names}, without users that have none. Blocks. Raises CannotApply."""
    component = DescribeClientQuotasRequest.ComponentData(entity_type=USER, match_type=ANY_NAME, match=None)
    answer = _asked(admin, DescribeClientQuotasRequest(components=[component], strict=True))
    if answer.error_code:
        raise CannotApply(f"Kafka did not tell its quotas: {answer.error_message}")
    found = {
        entry.entity[0].entity_name: {one.key: one.value for one in entry.values}
        for entry in answer.entries or ()
    }
    return {user: quotas for user, quotas in found.items() if user in users}


def _set(declared: Mapping[str, float]) -> list[Any]:
    make = AlterClientQuotasRequest.EntryData.OpData
    return [make(key=key, value=float(value), remove=False) for key, value in declared.items()]


def _removed(keys: Iterable[str]) -> list[Any]:
    make = AlterClientQuotasRequest.EntryData.OpData
    return [make(key=key, value=0.0, remove=True) for key in sorted(keys)]


def _asked(admin: KafkaAdminClient, request: Any) -> Any:
    manager = admin._manager  # noqa: SLF001 - the client has no public word for these requests
    return manager.run(manager.send, request)
