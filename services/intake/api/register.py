"""The routes of the register: who takes part. Each write names the revision that it rests on, and says why."""

from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

from flask_smorest import Blueprint

from services.intake import registering
from services.intake.api import register_schemas as s
from services.intake.registering import Change
from shared.edge.paths import subject_in_path
from shared.edge.ports import commands_of_this_app, operators_of_this_app
from shared.edge.use_cases import paged, run
from shared.edge.web import guarded, if_match
from shared.language.access import Actor
from shared.language.decision import Work
from shared.language.events import Organisation
from shared.language.register import LegalPerson, Membership, Unit

legal_persons = Blueprint("legal persons", __name__, description="Companies, associations, authorities")
units = Blueprint("units", __name__, description="The parts of legal persons that act")
memberships = Blueprint("memberships", __name__, description="Which units have which roles in a programme")

P = ParamSpec("P")
E = TypeVar("E", LegalPerson, Unit, Membership)


def _kept(
    use_case: Callable[Concatenate[Work, Actor, P], E], *said: P.args, **options: P.kwargs
) -> dict[str, Any]:
    """Run a use case that writes; afterwards this process sees what it wrote."""
    answer = run(use_case, s.show_entry, *said, **options)
    commands_of_this_app().look_again()
    return answer


def _change(why: str) -> Change:
    return Change(why=why, asked=if_match(), operators=operators_of_this_app())


def _one() -> dict[str, Any]:
    subject = subject_in_path()
    assert subject is not None, "the path names an entry"
    return run(registering.read_entry, s.show_entry, subject)


def _page(name: str, kind: str, asked: dict[str, Any]) -> dict[str, Any]:
    limit, after = asked.pop("limit"), asked.pop("after")
    show = paged(name, s.show_entry, lambda entry: entry.id, limit)
    return run(registering.list_entries, show, kind, asked, after=after, limit=limit)


def _history(asked: dict[str, Any]) -> dict[str, Any]:
    subject = subject_in_path()
    assert subject is not None, "the path names an entry"
    limit, after = asked["limit"], asked["after"]
    show = paged("history", s.show_stand, lambda stand: stand.number, limit)
    operators = operators_of_this_app()
    return run(registering.list_history, show, subject, operators=operators, after=after, limit=limit)


# --- legal persons --------------------------------------------------------------------------------------------


@legal_persons.route("/register/legal-persons", methods=["POST"])
@guarded(None, keeper=True)
@legal_persons.arguments(s.RegisterLegalPersonBody())
@legal_persons.response(201, s.LegalPersonAnswer)
def register_legal_person(body: tuple[LegalPerson, str]) -> dict[str, Any]:
    """Take a legal person into the register; the same again is the same."""
    return _kept(registering.register_legal_person, body, operators=operators_of_this_app())


@legal_persons.route("/register/legal-persons", methods=["GET"])
@guarded(None)
@legal_persons.arguments(s.EntryPageArguments(), location="query")
@legal_persons.response(200, s.LegalPersonPageAnswer)
def list_legal_persons(asked: dict[str, Any]) -> dict[str, Any]:
    """The legal persons of the register, by id."""
    return _page("legal_persons", "legal-person", asked)


@legal_persons.route("/register/legal-persons/<string:legalPersonId>", methods=["GET"])
@guarded(None)
@legal_persons.response(200, s.LegalPersonAnswer)
def read_legal_person(legal_person_id: Organisation) -> dict[str, Any]:
    """A legal person as it is now."""
    return _one()


@legal_persons.route("/register/legal-persons/<string:legalPersonId>", methods=["PUT"])
@guarded(None, keeper=True)
@legal_persons.arguments(s.ChangeLegalPersonBody())
@legal_persons.response(200, s.LegalPersonAnswer)
def change_legal_person(body: tuple[dict[str, Any], str], legal_person_id: Organisation) -> dict[str, Any]:
    """Say anew what is known of a legal person; If-Match names the revision that this rests on."""
    fields, why = body
    return _kept(registering.change_legal_person, legal_person_id, fields, change=_change(why))


@legal_persons.route("/register/legal-persons/<string:legalPersonId>/history", methods=["GET"])
@guarded(None, keeper=True)
@legal_persons.arguments(s.HistoryPageArguments(), location="query")
@legal_persons.response(200, s.HistoryAnswer)
def list_legal_person_history(asked: dict[str, Any], legal_person_id: Organisation) -> dict[str, Any]:
    """What was said of a legal person, when, by whom and why."""
    return _history(asked)


# --- units ----------------------------------------------------------------------------------------------------


@units.route("/register/units", methods=["POST"])
@guarded(None, keeper=True)
@units.arguments(s.RegisterUnitBody())
@units.response(201, s.UnitAnswer)
def register_unit(body: tuple[Unit, str]) -> dict[str, Any]:
    """Take a unit into the register; the same again is the same."""
    return _kept(registering.register_unit, body, operators=operators_of_this_app())


@units.route("/register/units", methods=["GET"])
@guarded(None)
@units.arguments(s.EntryPageArguments(), location="query")
@units.response(200, s.UnitPageAnswer)
def list_units(asked: dict[str, Any]) -> dict[str, Any]:
    """The units of the register, by id; those that have ended too."""
    return _page("units", "unit", asked)


@units.route("/register/units/<string:unitId>", methods=["GET"])
@guarded(None)
@units.response(200, s.UnitAnswer)
def read_unit(unit_id: Organisation) -> dict[str, Any]:
    """A unit as it is now."""
    return _one()


@units.route("/register/units/<string:unitId>", methods=["PUT"])
@guarded(None, keeper=True)
@units.arguments(s.ChangeUnitBody())
@units.response(200, s.UnitAnswer)
def change_unit(body: tuple[dict[str, Any], str], unit_id: Organisation) -> dict[str, Any]:
    """Say anew what is known of a unit; If-Match names the revision that this rests on."""
    fields, why = body
    return _kept(registering.change_unit, unit_id, fields, change=_change(why))


@units.route("/register/units/<string:unitId>/end", methods=["POST"])
@guarded(None, keeper=True)
@units.arguments(s.EndBody())
@units.response(200, s.UnitAnswer)
def end_unit(body: dict[str, Any], unit_id: Organisation) -> dict[str, Any]:
    """Say the last day of a unit, once it is responsible for no open journey; If-Match names its revision."""
    return _kept(registering.end_unit, unit_id, body["last_day"], change=_change(body["why"]))


@units.route("/register/units/<string:unitId>/history", methods=["GET"])
@guarded(None, keeper=True)
@units.arguments(s.HistoryPageArguments(), location="query")
@units.response(200, s.HistoryAnswer)
def list_unit_history(asked: dict[str, Any], unit_id: Organisation) -> dict[str, Any]:
    """What was said of a unit, when, by whom and why."""
    return _history(asked)


# --- memberships ----------------------------------------------------------------------------------------------


@memberships.route("/register/memberships", methods=["POST"])
@guarded(None, keeper=True)
@memberships.arguments(s.BeginMembershipBody())
@memberships.response(201, s.MembershipAnswer)
def begin_membership(body: tuple[Membership, str]) -> dict[str, Any]:
    """Give a unit roles in a programme; the same again is the same."""
    return _kept(registering.begin_membership, body, operators=operators_of_this_app())


@memberships.route("/register/memberships", methods=["GET"])
@guarded(None)
@memberships.arguments(s.MembershipPageArguments(), location="query")
@memberships.response(200, s.MembershipPageAnswer)
def list_memberships(asked: dict[str, Any]) -> dict[str, Any]:
    """The memberships of the register, by id; those that have ended too."""
    return _page("memberships", "membership", asked)


@memberships.route("/register/memberships/<string:membershipId>", methods=["GET"])
@guarded(None)
@memberships.response(200, s.MembershipAnswer)
def read_membership(membership_id: str) -> dict[str, Any]:
    """A membership as it is now."""
    return _one()


@memberships.route("/register/memberships/<string:membershipId>", methods=["PUT"])
@guarded(None, keeper=True)
@memberships.arguments(s.ChangeMembershipBody())
@memberships.response(200, s.MembershipAnswer)
def change_membership(body: tuple[dict[str, Any], str], membership_id: str) -> dict[str, Any]:
    """Say a membership anew; If-Match names the revision that this rests on."""
    fields, why = body
    return _kept(registering.change_membership, membership_id, fields, change=_change(why))


@memberships.route("/register/memberships/<string:membershipId>/end", methods=["POST"])
@guarded(None, keeper=True)
@memberships.arguments(s.EndBody())
@memberships.response(200, s.MembershipAnswer)
def end_membership(body: dict[str, Any], membership_id: str) -> dict[str, Any]:
    """Say the last day of a membership, once its unit is responsible for no open journey there."""
    return _kept(registering.end_membership, membership_id, body["last_day"], change=_change(body["why"]))


@memberships.route("/register/memberships/<string:membershipId>/history", methods=["GET"])
@guarded(None, keeper=True)
@memberships.arguments(s.HistoryPageArguments(), location="query")
@memberships.response(200, s.HistoryAnswer)
def list_membership_history(asked: dict[str, Any], membership_id: str) -> dict[str, Any]:
    """What was said of a membership, when, by whom and why."""
    return _history(asked)
