"""Which source may publish on which topic: an event counts only on the topic that its source alone may write.

Kafka's access rules name the one writer of each journey topic. A reader that trusted the record's own source would let
each service speak for all others. So the topic decides the source; the record's source, type and subject must fit it.
"""

from collections.abc import Mapping
from functools import lru_cache

from shared.language.codec import Envelope, Undecodable
from shared.language.events import BY_NAME, PROGRAMMES_TOPIC, REGISTER_TOPIC, TOPICS
from shared.language.register import KINDS

SPEAKERS: Mapping[str, str] = {
    **{topic: source for source, topic in TOPICS.items()},
    PROGRAMMES_TOPIC: "intake",
    REGISTER_TOPIC: "intake",
}
"""{topic: the one source that speaks on it}."""
APART: Mapping[str, tuple[str, ...]] = {
    PROGRAMMES_TOPIC: ("programme/",),
    REGISTER_TOPIC: tuple(f"{kind}/" for kind in KINDS),
}
"""{topic of its own: the beginnings of its subjects}."""
SUBJECTS = ("journey/", "output/", "participant/")


def check_origin(topic: str, speakers: Mapping[str, str], envelope: Envelope) -> None:
    """See that the event's source speaks on this topic, and that its type is that source's and of this subject.

    Raises Undecodable; its text repeats nothing of the record.
    """
    if not envelope.subject.startswith(
        _subjects_of(topic, speakers.get(topic), envelope.source, envelope.type)
    ):
        raise Undecodable("The header 'ce_subject' is no subject of such an event.")


@lru_cache(maxsize=1024)
def _subjects_of(topic: str, speaker: str | None, source: str, name: str) -> tuple[str, ...]:
    """The beginnings that the subject of an event may have, given its type and topic. Raises Undecodable."""
    if speaker is None or source != speaker:
        raise Undecodable("The header 'ce_source' does not name the one who speaks on this topic.")
    known = BY_NAME.get(name)
    if known is None:
        # One that a later version of this source speaks: it is poison of its subject, until this version follows.
        if not name.startswith(f"journey.{source}."):
            raise Undecodable("The header 'ce_type' names no event of this source.")
        return APART.get(topic, SUBJECTS)
    if known.source != source or (known.topic if known.topic in APART else None) != (
        topic if topic in APART else None
    ):
        raise Undecodable("The header 'ce_type' names no event of this source on this topic.")
    return (f"{known.subject}/",)
