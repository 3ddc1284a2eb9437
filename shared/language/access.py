"""The one place that decides who may do what. Deny by default.

Three questions must all be answered yes. Does the person's duty include the action? Does the programme's role map let
the organisation do it? Does the organisation have the part in this journey that the action needs? The rules are those
of the version that the journey keeps; who holds a role, the register says. Source: docs/field.md, Role map;
docs/security.md, Who may do what.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, Protocol

from shared.language.days import day_of, days_after
from shared.language.errors import Forbidden, Unknown
from shared.language.events import Code, HandoverKind, Municipality, Organisation
from shared.language.passage import Passage
from shared.language.programmes import Action, Programme, ProgrammeKey, Programmes
from shared.language.register import Register
from shared.language.role_map import FACTS, OF_WHO_LEFT, RoleMap

Duty = Literal["caseworker", "supervisor", "analyst", "owner", "registrar", "operator"]
Part = Literal["referrer", "provider", "named_provider", "responsible", "responsible before", "receiver"]

View = Literal["whole", "outside", "training", "nothing"]
"""How much of a journey's records an organisation sees. `view` decides it, and each service shows records by it.

whole: everything. outside: that and when something was done, without words, answers, reasons and activities.
training: for a workplace or a school. It shows that the person came, when, what was trained, and the reader's own
records. nothing: only where the journey stands.
"""

WORKPLACES: frozenset[HandoverKind] = frozenset({"provider_to_employer", "provider_to_education"})
"""The kinds of handover whose receiver is an employer or a school, and does not guide people towards work."""

CASE: frozenset[Duty] = frozenset({"caseworker", "supervisor"})
FIGURES: frozenset[Duty] = frozenset({"caseworker", "supervisor", "analyst", "owner"})


@dataclass(frozen=True, slots=True)
class Actor:
    """The caller: a person's handle, their organisation, their duty."""

    person: str
    organisation: Organisation
    duty: Duty


@dataclass(frozen=True, slots=True)
class Reader:
    """An organisation that may read a journey, and how much of it it sees."""

    organisation: Organisation
    view: View

    @property
    def works_there(self) -> bool:
        """Whether the reader has the view of an employer or a school."""
        return self.view in ("training", "nothing")

    def may_overwrite(self, recorded_by: Organisation | None) -> bool:
        """Whether the reader may correct an entry that this organisation made: its own, or one of which it sees all."""
        return self.view == "whole" or recorded_by == self.organisation

    def sees(self, recorded_by: Organisation | None) -> bool:
        """Whether the reader sees the whole of an entry that this organisation made."""
        return self.view == "whole" or (self.works_there and recorded_by == self.organisation)


@dataclass(frozen=True, slots=True)
class Rule:
    """The conditions of an action: one of these duties, and one of these parts (empty: no journey is involved)."""

    duties: frozenset[Duty]
    parts: frozenset[Part] = frozenset()


RULES: dict[Action, Rule] = {
    "register_participant": Rule(CASE),
    "read_participant": Rule(CASE),
    "erase_participant": Rule(frozenset({"caseworker"})),
    "refer": Rule(frozenset({"caseworker"})),
    "withdraw_referral": Rule(frozenset({"caseworker"}), frozenset({"referrer"})),
    "answer_referral": Rule(CASE, frozenset({"named_provider", "provider"})),
    "read_journey": Rule(
        CASE, frozenset({"referrer", "provider", "named_provider", "responsible", "receiver"})
    ),
    "record_consent": Rule(CASE, frozenset({"referrer", "provider", "responsible"})),
    "start_journey": Rule(CASE, frozenset({"responsible"})),
    "register_mistake": Rule(CASE, frozenset({"referrer", "responsible"})),
    "log_activity": Rule(CASE, frozenset({"responsible"})),
    "acknowledge_report": Rule(CASE, frozenset({"referrer"})),
    "log_output": Rule(CASE),
    "offer_handover": Rule(CASE, frozenset({"responsible"})),
    "recall_handover": Rule(CASE, frozenset({"responsible"})),
    "answer_handover": Rule(CASE, frozenset({"receiver"})),
    "record_entry": Rule(CASE, frozenset({"provider", "responsible"})),
    "record_exit": Rule(CASE, frozenset({"responsible"})),
    "answer_follow_up": Rule(CASE, frozenset({"referrer", "provider", "responsible"})),
    "read_report": Rule(FIGURES),
}


def parts(organisation: Organisation, passage: Passage, *, open_to_it: bool) -> frozenset[Part]:
    """The parts that the organisation has in the journey.

    open_to_it: whether it may answer a referral that names no provider. Such a referral is open to all who may and
    have not said no, while it awaits an answer; afterwards only to the one that gave it. Whoever said no, or nothing,
    and was followed by another has no part any more.
    """
    asked = passage.named_provider == organisation
    if passage.named_provider is None:
        awaits = passage.stage == "received" and organisation not in passage.refused_by
        asked = (open_to_it and awaits) or passage.declined_by == organisation
    held: dict[Part, bool] = {
        "referrer": organisation == passage.referrer,
        "provider": organisation == passage.provider,
        "named_provider": passage.provider is None and asked,
        "responsible": organisation == passage.responsible,
        "receiver": passage.offer is not None and organisation == passage.offer.to_organisation,
    }
    return frozenset(part for part, holds in held.items() if holds)


def view(organisation: Organisation, passage: Passage, on: date) -> View:
    """How much of the journey an organisation that may read it sees on that day.

    The responsible organisation sees all, unless it became responsible as an employer or a school. Every other sees
    all only while the participant's consent to sharing covers it. Source: docs/security.md, What a receiver sees.
    """
    consent = passage.consents.get("sharing")
    covered = consent is not None and consent.covers(organisation, on)
    works_there = passage.taken_over.get(organisation) in WORKPLACES
    if organisation == passage.responsible and not works_there:
        return "whole"
    if organisation in (passage.referrer, passage.provider):
        return "whole" if covered else "outside"
    if organisation == passage.responsible:
        return "training"
    if passage.offer is not None and organisation == passage.offer.to_organisation:
        if passage.offer.kind in WORKPLACES:
            return "training" if covered else "nothing"
        return "whole" if covered else "outside"
    return "outside" if passage.provider is None else "nothing"


def reader(actor: Actor, passage: Passage, on: date) -> Reader:
    """The actor's organisation as a reader of the journey on that day."""
    return Reader(actor.organisation, view(actor.organisation, passage, on))


class Known(Protocol):
    """What a right rests on: the published rules, who holds which role, and the moment of the decision."""

    @property
    def programmes(self) -> Programmes:
        """Every published version that this service has taken in."""

    @property
    def register(self) -> Register:
        """Who takes part, as this service knows it."""

    @property
    def at(self) -> datetime:
        """The moment of the decision, UTC."""


def role_map(known: Known, rules: Programme) -> RoleMap:
    """The role map of the version, as it is today."""
    return RoleMap(rules, known.register, day_of(known.at))


def authorise(
    actor: Actor,
    action: Action,
    passage: Passage,
    known: Known,
    *,
    what: str = "journey",
    on: date | None = None,
) -> Programme:
    """Let the actor pass, and return the version of the programme that the journey keeps.

    on: the day of the fact that is to be logged or corrected. The right to it is that day's: who held the role and was
    responsible then has it. For everything else today's role and part decide. A unit that has left may
    read its own journeys for as long as the programme says.

    An organisation without any part in the journey gets Unknown of `what`, as if the journey did not exist. Only the
    holder of a part learns the reason, by Forbidden. A duty that does not include the action is refused first, by
    Forbidden. The edge does so before it looks anything up, so the refusal reveals nothing.
    """
    authorise_duty(actor, action)
    rules = known.programmes.get(passage.programme_key)
    roles, organisation, where = role_map(known, rules), actor.organisation, passage.municipality
    open_to_it = roles.allows(organisation, "answer_referral", where)
    held = parts(organisation, passage, open_to_it=open_to_it)
    now = "responsible" in held and roles.allows(organisation, action, where)
    on = on if action in FACTS else None
    responsible = () if on is None else passage.responsible_on(on)
    # Of a day on which nobody held the journey, nothing is logged: the rules of the fact say why.
    if on is not None and on <= roles.on and responsible:
        then = RoleMap(rules, known.register, on)
        if organisation in responsible:
            held |= {"responsible"}
        else:
            held -= {"responsible"}
            held |= {"responsible before"} if passage.was_responsible(organisation) else frozenset()
        late = not now and roles.on > days_after(on, rules.late_days)
        may = then.allows(organisation, action, where)
    else:
        late, may = False, roles.allows(organisation, action, where)
        stayed = action in OF_WHO_LEFT and bool(held & {"referrer", "provider", "responsible"})
        may = may or (stayed and roles.still(organisation, action, where))
    if not held:
        raise Unknown(what)
    if not may:
        raise Forbidden("not-allowed", f"{organisation} may not {action} in {rules.id}.")
    if not RULES[action].parts & held:
        raise Forbidden("not-your-journey", f"{organisation} has no part in this journey that may {action}.")
    if late:
        raise Forbidden(
            "too-late",
            f"Who no longer holds a journey records within {rules.late_days} days of the day; this was {on}.",
        )
    return rules


def authorise_in(
    actor: Actor,
    action: Action,
    programme: Programme,
    known: Known,
    *,
    on: date | None = None,
    where: Municipality | None = None,
) -> None:
    """Let the actor pass where no journey is involved. programme: its newest version. Raises Forbidden.

    on: the day of a fact that is to be logged or corrected: who held the role then has the right to it. where: the
    municipality that it concerns; None: the whole programme, for which a role anywhere in it is enough.
    """
    authorise_duty(actor, action)
    today = role_map(known, programme)
    # Nothing is logged of a day outside the programme or to come: the rules of the fact say why.
    on = on if on is not None and programme.starts_on <= on <= today.on else today.on
    then = RoleMap(programme, known.register, on)
    if not then.allows(actor.organisation, action, where):
        raise Forbidden("not-allowed", f"{actor.organisation} may not {action} in {programme.id}.")
    still = today.allows(actor.organisation, action, where)
    if not still and today.on > days_after(then.on, programme.late_days):
        raise Forbidden(
            "too-late",
            f"Who no longer holds a role records within {programme.late_days} days of the day; this was {on}.",
        )


def authorise_duty(actor: Actor, action: Action) -> None:
    """Let the actor pass when its duty includes the action at all. Raises Forbidden."""
    if actor.duty not in RULES[action].duties:
        raise Forbidden("wrong-duty", f"The duty {actor.duty} does not include {action}.")


def authorise_somewhere(actor: Actor, action: Action, known: Known) -> None:
    """Let the actor pass when some programme's role map lets the organisation do this today, or still.

    For what concerns a person before any journey does, and before one is looked up. Raises Forbidden.
    """
    authorise_duty(actor, action)
    _authorise_organisation(actor.organisation, action, known)


def authorise_registrar(actor: Actor, known: Known) -> None:
    """Let a registrar settle what concerns the whole organisation, where it may read journeys today, or still.

    Raises Forbidden.
    """
    if actor.duty != "registrar":
        raise Forbidden("wrong-duty", f"The duty {actor.duty} does not settle this for an organisation.")
    _authorise_organisation(actor.organisation, "read_journey", known)


def _authorise_organisation(organisation: Organisation, action: Action, known: Known) -> None:
    for programme in known.register.programmes_of(organisation):
        rules = known.programmes.latest(programme)
        roles = None if rules is None else role_map(known, rules)
        if roles and (roles.allows(organisation, action) or roles.still(organisation, action)):
            return
    raise Forbidden("not-allowed", f"{organisation} may not {action} in any programme.")


@dataclass(frozen=True, slots=True)
class Reach:
    """On which journeys an organisation may do something, given the part: as what a list asks the database for.

    everywhere: versions of programmes in which its roles are held to no place; within: others, each with the
    municipalities of its roles.
    """

    everywhere: tuple[ProgrammeKey, ...] = ()
    within: tuple[tuple[ProgrammeKey, tuple[Municipality, ...]], ...] = ()

    def where(self, version: str, place: str) -> dict[str, Any]:
        """The condition on rows that hold the version's key and the municipality in these fields."""
        whole = {version: {"$in": list(self.everywhere)}}
        if not self.within:
            return whole
        return {
            "$or": [whole, *({version: key, place: {"$in": list(places)}} for key, places in self.within)]
        }

    def covers(self, passage: Passage) -> bool:
        """Whether the journey is one of these."""
        version = passage.programme_key
        places = next((one for key, one in self.within if key == version), ())
        return version in self.everywhere or passage.municipality in places

    @property
    def versions(self) -> list[ProgrammeKey]:
        """All these versions, whatever the place."""
        return [*self.everywhere, *(key for key, _ in self.within)]


def reach_of(organisation: Organisation, known: Known, *actions: Action) -> Reach:
    """On which journeys the organisation may do all these actions, given the part.

    Each version itself decides what its role may do; the register decides who holds it today, and where. A unit that
    has left still reads, as long as the version says.
    """
    mine = known.register.programmes_of(organisation)
    everywhere: list[ProgrammeKey] = []
    within: list[tuple[ProgrammeKey, tuple[Municipality, ...]]] = []
    for rules in known.programmes.every_version():
        if rules.id not in mine:
            continue
        roles = role_map(known, rules)

        def may(where: Municipality | None, roles: RoleMap = roles) -> bool:
            reads = actions == ("read_journey",) and roles.still(organisation, "read_journey", where)
            return reads or all(roles.allows(organisation, action, where) for action in actions)

        if may(None):
            places = tuple(one.code for one in rules.municipalities if may(one.code))
            if len(places) == len(rules.municipalities):
                everywhere.append(rules.key)
            elif places:
                within.append((rules.key, places))
    return Reach(tuple(everywhere), tuple(within))


def authorise_operator(actor: Actor, organisations: Collection[Organisation]) -> None:
    """Let operators of these organisations pass; they see no person. Raises Forbidden."""
    if actor.duty != "operator":
        raise Forbidden("wrong-duty", f"The duty {actor.duty} does not operate the platform.")
    if actor.organisation not in organisations:
        raise Forbidden("not-allowed", f"{actor.organisation} does not operate the platform.")


@dataclass(frozen=True, slots=True)
class Keeping:
    """How much of the register an actor may keep. programmes: those that its organisation owns; None: the whole."""

    programmes: frozenset[Code] | None

    def has(self, programme: Code) -> bool:
        """Whether it keeps the memberships of the programme."""
        return self.programmes is None or programme in self.programmes

    def has_unit(self, *, registered: bool, member_of: Collection[Code]) -> bool:
        """Whether it keeps a unit or a legal person.

        registered: whether its organisation registered it. member_of: the programmes in which it has or had a
        membership.
        """
        if self.programmes is None or registered:
            return True
        return bool(member_of) and self.programmes.issuperset(member_of)


def keeping(actor: Actor, operators: Collection[Organisation], known: Known) -> Keeping:
    """How much of the register the actor may keep.

    An operator of the platform keeps the whole. A registrar keeps the memberships of the programmes that their
    organisation owns, and the units of these programmes alone; its own entries too. Raises Forbidden for others.
    Source: docs/security.md, Who keeps the register.
    """
    if actor.duty == "operator":
        authorise_operator(actor, operators)
        return Keeping(None)
    if actor.duty != "registrar":
        raise Forbidden("wrong-duty", f"The duty {actor.duty} does not keep the register.")
    newest = known.programmes.all_latest().values()
    owned = frozenset(one.id for one in newest if one.owner == actor.organisation)
    if not owned:
        raise Forbidden("not-allowed", f"{actor.organisation} owns no programme.")
    return Keeping(owned)
