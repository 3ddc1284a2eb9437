"""Intake's work in memory: the published programme, what is stored, and a journey at any stage."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, TypeVar

import msgspec

from services.intake import handlers, people
from services.intake.domain import consent, referral
from services.intake.domain.journey import Referral, apply_fact, place
from services.intake.domain.participant import HANDLES, HELD, Identity, held_key
from services.intake.handlers import Listing
from services.intake.numbers import Numbers
from services.intake.programme_file import read_programme
from services.intake.repository import Referrals
from services.intake.vault import AesGcmVault
from shared.language import events as e
from shared.language.access import Actor
from shared.language.decision import Change, Notice, Received, Reply, Skip, Subject, kind_of, subject_of
from shared.language.errors import Unknown
from shared.language.events import Fact
from shared.language.passage import Stage
from shared.language.register import Register
from tests.support.fakes import noon
from tests.support.matching import matches
from tests.support.published import FakeProgrammes, roles_of
from tests.support.sources import ROOT

COACTIVE_FILE = ROOT / "programmes" / "coactive.yaml"
COACTIVE = read_programme(COACTIVE_FILE.read_text(encoding="utf-8"))

AGENCY = "arbetsformedlingen-skelleftea"
PROVIDER = "urkraft"
OTHER_PROVIDER = "kafe-solrosen"
EMPLOYER = "skellefte-tra"

REFERRED_ON = date(2016, 3, 1)
ACCEPTED_ON = date(2016, 3, 8)
STARTED_ON = date(2016, 3, 15)
READY_ON = date(2016, 6, 1)
EXITED_ON = date(2016, 9, 1)
CLOSED_ON = date(2017, 4, 20)
TODAY = date(2017, 5, 2)

PERSON = Identity(name="Ada Prov", personnummer="199001019802")
STRANGER = Identity(name="Bo Prov")
NOBODY = e.HandleId("h-" + "9" * 26)

S = TypeVar("S")


AT = noon(TODAY)


def caseworker(organisation: str) -> Actor:
    """Somebody at the organisation who handles cases."""
    return Actor(person="somebody", organisation=organisation, duty="caseworker")


PROGRAMMES = FakeProgrammes(COACTIVE)


@dataclass
class IntakeWork:
    """Intake's store in memory; what is saved passes through the repository's documents. Satisfies `decision.Work`."""

    programmes: FakeProgrammes = field(default_factory=lambda: PROGRAMMES)
    at: datetime = AT
    documents: dict[Subject, dict[str, Any]] = field(default_factory=dict)
    table: dict[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    events: list[Fact] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    ids: int = 0

    @property
    def register(self) -> Register:
        """Who the published programmes name."""
        return self.programmes.register

    def find(self, subject: Subject) -> Any | None:
        document = self.documents.get(subject)
        return None if document is None else Referrals().read(subject, document)

    def get(self, subject: Subject) -> Any:
        found = self.find(subject)
        if found is None:
            raise Unknown(kind_of(subject))
        return found

    def readable(self, subject: Subject) -> Any | None:
        """The state; each can be read here."""
        return self.get(subject)

    def row(self, collection: str, key: str) -> Mapping[str, Any] | None:
        found = self.table.get((collection, key))
        return None if found is None else {"_id": key, **found}

    def rows(
        self, collection: str, where: Mapping[str, Any], *, order: str, after: Any, limit: int
    ) -> Sequence[Mapping[str, Any]]:
        held: list[Mapping[str, Any]] = [
            {"_id": key, **row} for (name, key), row in self.table.items() if name == collection
        ]
        if collection == "referrals":
            held = [{"_id": subject, "state": state} for subject, state in self.documents.items()]
        found = [row for row in held if matches(row, where)]
        beyond = [row for row in found if after is None or row[order] > after]
        return sorted(beyond, key=lambda row: row[order])[:limit]

    def page(self, work: Any, listing: Listing) -> Sequence[Referral]:
        """Satisfies the handlers' `Referrals`, for organisations that refer."""
        found = [self.get(subject) for subject in self.documents if kind_of(subject) == "journey"]
        mine = [one for one in found if getattr(one.passage, listing.part) == listing.organisation]
        assert not isinstance(listing.after, Skip), "pages by number are tried on the memory of all services"
        beyond = [one for one in mine if listing.after is None or place(one) > listing.after]
        return sorted(beyond, key=place)[: listing.limit]

    def load(self, *_: Any) -> None:
        """All is in memory."""

    fetch = load

    def revision(self, subject: Subject) -> int:
        return int(subject in self.documents)

    def save(self, subject: Subject, change: Change[S]) -> S:
        self.documents[subject] = Referrals().write(change.state)  # type: ignore[arg-type]
        self.table.update({(row.collection, row.key): row.body for row in change.rows})
        for at in change.removes:
            self.table.pop(at, None)
        self.events.extend(change.events)
        self.replies.extend(change.replies)
        self.notices.extend(change.notices)
        return change.state

    def new_id(self, prefix: str) -> str:
        self.ids += 1
        return f"{prefix}-{self.ids:026d}"


VAULT = AesGcmVault(bytes(range(32)))
NUMBERS = Numbers([bytes(range(32, 64))])


def register(work: IntakeWork, by: str = AGENCY, identity: Identity = PERSON) -> e.HandleId:
    """The organisation's handle of a person whom it has registered."""
    return people.register_participant(work, caseworker(by), identity, VAULT, NUMBERS)


def own(work: IntakeWork, organisation: str, handle: e.HandleId) -> e.HandleId:
    """The organisation's own handle of the person behind somebody's; NOBODY where it has none."""
    row = work.row(HANDLES, handle)
    held = None if row is None else work.row(HELD, held_key(row["home"], organisation))
    return NOBODY if held is None else e.HandleId(held["handle"])


def asked(participant_id: e.HandleId, **what: Any) -> referral.Refer:
    """A referral of this participant that is in order, but for what is said otherwise."""
    usual: dict[str, Any] = {
        "reference": "AF-1",
        "programme": "coactive",
        "municipality": "2482",
        "provider": PROVIDER,
        "occurred_on": REFERRED_ON,
    }
    return referral.Refer(participant_id=participant_id, **{**usual, **what})


def referred(provider: str | None = PROVIDER) -> Referral:
    """A referral that was received."""
    work = IntakeWork()
    command = asked(register(work), provider=provider)
    return handlers.refer(work, caseworker(AGENCY), command)


def said(body: Fact, seq: int = 1, extra: Any = None) -> Received:
    """A fact of another service as it reaches intake. extra: what intake finds beside it."""
    kind = e.BY_BODY[type(body)]
    subject = subject_of("journey", "j-" + "0" * 26)
    return Received(subject, kind.source, seq, kind.name, body, {}, extra)


def _taken_in(state: Referral, body: Fact) -> Referral:
    return apply_fact(state, said(body), PROGRAMMES).state


CONSENT = consent.RecordConsent(
    purpose="sharing",
    given=True,
    organisations=(EMPLOYER, OTHER_PROVIDER),
    last_day=date(2018, 12, 31),
    occurred_on=ACCEPTED_ON,
)


def accepted() -> Referral:
    """A referral that the provider took on, with consent to sharing."""
    taken = referral.accept(referred(), referral.Accept(occurred_on=ACCEPTED_ON), by=PROVIDER, at=AT).state
    return consent.record(taken, CONSENT, by=PROVIDER, roles=roles_of(COACTIVE, TODAY), at=AT).state


def exit_fact(way: e.ExitWay = "by_plan", organisation: str = PROVIDER) -> e.JourneyExited:
    """An exit."""
    return e.JourneyExited(
        occurred_on=EXITED_ON, recorded_at=AT, way=way, organisation=organisation, situation="employed"
    )


def _declined() -> Referral:
    command = referral.Decline(reason="no_place", occurred_on=ACCEPTED_ON)
    return referral.decline(referred(), command, by=PROVIDER, programme=COACTIVE, at=AT).state


def _withdrawn() -> Referral:
    command = referral.Withdraw(reason="other_effort", occurred_on=ACCEPTED_ON)
    return referral.withdraw(referred(), command, programme=COACTIVE, at=AT).state


def _started() -> Referral:
    command = referral.Start(occurred_on=STARTED_ON)
    return referral.start(accepted(), command, programme=COACTIVE, at=AT).state


def _mistaken() -> Referral:
    command = referral.RegisterMistake(reason="duplicate", occurred_on=READY_ON)
    return referral.register_mistake(_started(), command, programme=COACTIVE, at=AT).state


WAYS: Mapping[Stage, Callable[[], Referral]] = {
    "received": referred,
    "accepted": accepted,
    "declined": _declined,
    "withdrawn": _withdrawn,
    "started": _started,
    "ready": lambda: _taken_in(at_stage("started"), e.ParticipantReady(occurred_on=READY_ON, recorded_at=AT)),
    "exited": lambda: _taken_in(at_stage("ready"), exit_fact()),
    "closed": lambda: _taken_in(at_stage("exited"), e.JourneyClosed(occurred_on=CLOSED_ON, recorded_at=AT)),
    "mistake": _mistaken,
}


def at_stage(stage: Stage) -> Referral:
    """A journey that stands there."""
    return WAYS[stage]()


def without_consent(state: Referral) -> Referral:
    """The same journey before anybody was asked."""
    return replace(state, passage=replace(state.passage, consents={}))


def plain(message: Any) -> dict[str, Any]:
    """A message as its reader decodes it."""
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(message))
    return found
