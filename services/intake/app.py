"""The composition root of intake: `python -m services.intake.app web|consume`."""

from pathlib import Path

from services.intake import answers, api
from services.intake.consumer import FOLDS, TIMERS
from services.intake.erasures import Erasures
from services.intake.inbound import readers
from services.intake.older_versions import register_older
from services.intake.participations import settle
from services.intake.repository import INDEXES, Referrals
from services.intake.sequencing import Sequencing
from services.intake.settling import Settling
from services.intake.takers import read_takers
from shared.host.process import main
from shared.language.events import HandoverAccepted
from shared.runtime.fold import Enrich
from shared.runtime.parts import Parts, Runnable, Service

REFERRALS = Referrals()


def threads(parts: Parts) -> list[tuple[str, Runnable]]:
    """What runs beside the consumer: it reads the agencies' topics, numbers changes, keeps erasures, and settles.

    It also takes other services' answers to records into the sequences. Before it, who older versions of programmes
    name is in the register.
    """
    register_older(parts)
    own = ("sequencing", Sequencing(parts))
    return [
        *readers(parts),
        *answers.readers(parts),
        own,
        ("erasures", Erasures(parts)),
        ("settling", Settling(parts)),
    ]


def web_threads(parts: Parts) -> list[tuple[str, Runnable]]:
    """What runs beside the routes, since it opens what is sealed: persons come under new keys, webhooks are sent."""
    from services.intake.renewal import Renewal
    from services.intake.sending import Sending

    vault, numbers = api.keys_of(parts.settings)
    return [("renewal", Renewal(parts, vault, numbers)), ("sending", Sending(parts, vault))]


SERVICE = Service(
    title="Intake",
    purpose=(
        "Register över personer, remisser och samtycken, och över programmen.",
        "Registers people, referrals and consents, and shows the programmes.",
    ),
    examples=Path(__file__).with_name("examples.json"),
    source="intake",
    database="intake",
    repository=REFERRALS,
    folds=FOLDS,
    enrich=Enrich(frozenset({HandoverAccepted}), read_takers),
    timers=TIMERS,
    settles=settle,
    blueprints=api.blueprints,
    provides=lambda settings: api.provides(settings, REFERRALS),
    indexes=INDEXES,
    threads=threads,
    web_threads=web_threads,
)

if __name__ == "__main__":
    main(SERVICE)
