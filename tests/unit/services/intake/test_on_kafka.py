"""Who has topics of its own: whoever's inbound topic intake may see; gone only after a while."""

from types import SimpleNamespace
from typing import cast

from services.intake.on_kafka import GONE_SECONDS, TOPIC, Looking
from shared.runtime.channels import Channels
from shared.runtime.parts import Parts

AF, FK = "arbetsformedlingen", "forsakringskassan"


class Kept:
    """What `Channels` keeps, in memory."""

    def __init__(self) -> None:
        self.known: set[str] = set()

    def now(self) -> frozenset[str]:
        return frozenset(self.known)

    def keep(self, organisation: str) -> None:
        self.known.add(organisation)

    def end(self, organisation: str) -> None:
        self.known.discard(organisation)


def topics(*organisations: str) -> frozenset[str]:
    own = {f"inbound.{one}.{kind}.v1" for one in organisations for kind in ("referrals", "replies")}
    return frozenset({"journey.intake.v1", "inbound.x.v1", "inbound.A.referrals.v1", *own})


def looking(kept: Kept, shown: list[frozenset[str]]) -> Looking:
    parts = cast("Parts", SimpleNamespace(stop=None))
    return Looking(parts, cast("Channels", kept), lambda: shown[-1])


def test_who_joins_is_known_at_the_next_look() -> None:
    kept, shown = Kept(), [topics(AF)]
    one = looking(kept, shown)
    one.look(0.0)
    assert kept.known == {AF}
    shown.append(topics(AF, FK))
    one.look(5.0)
    assert kept.known == {AF, FK}


def test_who_leaves_is_gone_only_after_a_while_and_one_that_comes_back_stays() -> None:
    kept, shown = Kept(), [topics(AF, FK)]
    one = looking(kept, shown)
    one.look(0.0)
    shown.append(frozenset())
    one.look(10.0)
    one.look(10.0 + GONE_SECONDS - 1)
    assert kept.known == {AF, FK}
    shown.append(topics(AF))
    one.look(10.0 + GONE_SECONDS - 0.5)
    shown.append(frozenset())
    one.look(10.0 + GONE_SECONDS)
    assert kept.known == {AF}
    one.look(10.0 + 2 * GONE_SECONDS)
    assert kept.known == set()


def test_the_pattern_takes_the_inbound_topics_alone() -> None:
    assert [one for one in sorted(topics(AF)) if TOPIC.fullmatch(one)] == [f"inbound.{AF}.referrals.v1"]
