"""A programme's file: read, and checked whole, so that whoever writes one hears every fault at once, with its line.

Knows YAML and the shape of `shared.language.programmes.Programme`, and nothing of publishing. What is checked beyond
the shape: that everything a programme refers to is defined in it, once, and that it can run at all.
"""

import types
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from datetime import date
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
import yaml

from shared.edge.fields import FIRST_DAY
from shared.language.figures import EACH, TARGETS, target_names
from shared.language.programmes import WRITTEN, Programme
from shared.language.signs import normal_form, shows

Path = tuple[str | int, ...]

A_DAY = f"Takes a day as yyyy-mm-dd, from {FIRST_DAY.isoformat()} on."
A_TARGET = f"{', '.join(name.replace(EACH, '<follow-up>') for name in TARGETS)} or an output"
A_TEXT = "Takes text that shows something, without blanks at its ends, blanks in a row, or signs that show nothing."


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing wrong: the line (from 1), where in the document, and why."""

    line: int
    where: str
    reason: str

    def __str__(self) -> str:
        return f"{self.line}: {self.where}: {self.reason}" if self.where else f"{self.line}: {self.reason}"


class FaultyProgramme(Exception):
    """Whoever wrote the file must act; `faults` is everything that is wrong, by line."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("; ".join(str(fault) for fault in faults))
        self.faults = faults


class _Document:
    """The YAML as plain values, and the line on which each of them stands."""

    def __init__(self, text: str) -> None:
        self.faults: list[Fault] = []
        self.value: Any = None
        self._lines: dict[Path, int] = {}
        self._open: set[int] = set()
        try:
            self._loader = yaml.SafeLoader(text)
            node = self._loader.get_single_node()
            self.value = None if node is None else self._plain(node, ())
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            reason = getattr(error, "problem", None) or "cannot be read"
            self.faults.append(Fault(mark.line + 1 if mark else 1, "", f"Cannot be read as YAML: {reason}."))

    def fault(self, path: Path, reason: str) -> None:
        """Note a fault at the nearest place that has a line."""
        at = path
        while at and at not in self._lines:
            at = at[:-1]
        self.faults.append(Fault(self._lines.get(at, 1), _text(path), reason))

    def _plain(self, node: yaml.Node, path: Path) -> Any:
        self._lines.setdefault(path, node.start_mark.line + 1)
        if id(node) in self._open:
            self.fault(path, "Refers to itself.")
            return None
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.MappingNode):
                return self._mapping(node, path)
            if isinstance(node, yaml.SequenceNode):
                return [self._plain(one, (*path, index)) for index, one in enumerate(node.value)]
            return self._loader.construct_object(node)
        except (yaml.constructor.ConstructorError, ValueError) as error:
            self.fault(path, f"Cannot be read: {getattr(error, 'problem', None) or error}.")
            return None
        finally:
            self._open.discard(id(node))

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            at = (*path, key)
            if key in found:
                self.faults.append(Fault(key_node.start_mark.line + 1, _text(at), "Is there twice."))
                continue
            self._lines[at] = key_node.start_mark.line + 1
            found[key] = self._plain(value_node, at)
        return found


def read_programme(text: str) -> Programme:
    """The programme that the YAML text describes. Raises FaultyProgramme with every fault, by line."""
    document = _Document(text)
    if not document.faults:
        _check_shape(document, document.value, Programme, ())
    if isinstance(document.value, dict):
        _check_meaning(document, document.value)
    if document.faults:
        raise FaultyProgramme(sorted(set(document.faults)))
    return msgspec.convert(document.value, Programme)


def _text(path: Path) -> str:
    parts = [f"[{one + 1}]" if isinstance(one, int) else f".{one}" for one in path]
    return "".join(parts).lstrip(".")


# --- the shape ------------------------------------------------------------------------------------------------


def _check_shape(document: _Document, value: Any, wanted: Any, path: Path) -> None:
    shape = _unwrapped(wanted, value)
    if is_dataclass(shape):
        _check_mapping(document, value, shape, path)
    elif get_origin(shape) is tuple:
        if isinstance(value, list):
            for index, one in enumerate(value):
                _check_shape(document, one, get_args(shape)[0], (*path, index))
        else:
            document.fault(path, "Must be a list.")
    else:
        _check_value(document, value, wanted, path)


def _check_value(document: _Document, value: Any, wanted: Any, path: Path) -> None:
    try:
        found = msgspec.convert(value, wanted)
    except msgspec.ValidationError as error:
        document.fault(path, _reason(str(error), value, wanted))
        return
    if isinstance(found, date) and found < FIRST_DAY:
        document.fault(path, A_DAY)
    if isinstance(found, str) and not (shows(found) and found == normal_form(found)):
        document.fault(path, A_TEXT)


def _check_mapping(document: _Document, value: Any, shape: Any, path: Path) -> None:
    if not isinstance(value, dict):
        document.fault(path, "Must be a mapping.")
        return
    hints = get_type_hints(shape, include_extras=True)
    known = {one.name: one for one in fields(shape)}
    for name in value:
        if name not in known:
            document.fault((*path, name), f"Does not belong here; there are {', '.join(known)}.")
    for name, one in known.items():
        if name in value:
            _check_shape(document, value[name], hints[name], (*path, name))
        elif one.default is MISSING and one.default_factory is MISSING:
            document.fault(path, f"{name} is missing.")


def _unwrapped(wanted: Any, value: Any) -> Any:
    """The type to look into: without its constraints, and without None where there is a value."""
    if get_origin(wanted) is Annotated:
        return _unwrapped(get_args(wanted)[0], value)
    if get_origin(wanted) in (Union, types.UnionType) and value is not None:
        some = [one for one in get_args(wanted) if one is not type(None)]
        return _unwrapped(some[0], value)
    return wanted


def _reason(text: str, value: Any, wanted: Any) -> str:
    if get_origin(wanted) is Literal:
        return f"Takes one of {', '.join(map(str, get_args(wanted)))}."
    if wanted is date:
        return A_DAY
    sentence = text.partition(" - at ")[0].rstrip(".") + "."
    if "Expected `str`" in text and isinstance(value, int | date):
        return f"{sentence} Write it in quotes."
    return sentence


# --- the meaning ----------------------------------------------------------------------------------------------


def _check_meaning(document: _Document, programme: Mapping[str, Any]) -> None:
    """What the shape cannot say. Looks at whatever is there, so that one fault does not hide another."""
    codes = _check_codes(document, programme)
    _check_role_map(document, programme, codes)
    _check_days(document, programme)
    _check_progress(document, programme)
    _check_targets(document, programme, codes)
    _check_report_duties(document, programme, codes)
    _check_absence(document, programme)


CODED: tuple[tuple[Path, str], ...] = (
    (("municipalities",), "code"),
    (("roles",), "code"),
    (("organisations",), "id"),
    (("activities",), "code"),
    (("competences",), "code"),
    (("progress", "indicators"), "code"),
    (("follow_ups",), "code"),
    (("outputs",), "code"),
    (("reasons", "decline"), "code"),
    (("reasons", "withdraw"), "code"),
    (("reasons", "mistake"), "code"),
    (("reasons", "absence"), "code"),
    (("reasons", "handover_decline"), "code"),
    (("reasons", "recall"), "code"),
    (("reasons", "exit"), "code"),
    (("report_duties",), "code"),
)


def _check_codes(document: _Document, programme: Mapping[str, Any]) -> dict[Path, set[str]]:
    codes: dict[Path, set[str]] = {}
    for where, name in CODED:
        seen = codes.setdefault(where, set())
        for path, entry in _entries(programme, where):
            code = entry.get(name)
            if not isinstance(code, str):
                continue
            if code in seen:
                document.fault((*path, name), f"{code} is defined twice.")
            seen.add(code)
    for where in (
        ("reasons", "decline"),
        ("reasons", "withdraw"),
        ("reasons", "mistake"),
        ("reasons", "recall"),
    ):
        if _at(programme, where) == []:
            document.fault(where, "Needs at least one reason, or nobody can decide so.")
    return codes


def _check_role_map(
    document: _Document, programme: Mapping[str, Any], codes: Mapping[Path, set[str]]
) -> None:
    held: set[str] = set()
    for path, entry in _entries(programme, ("organisations",)):
        for index, role in _items(entry.get("roles")):
            if role not in codes["roles",]:
                document.fault((*path, "roles", index), f"The role {role} is not defined.")
            held.add(str(role))
    owner = programme.get("owner")
    named = codes["organisations",]
    if isinstance(owner, str) and named and owner not in named:
        document.fault(("owner",), f"{owner} is not among the organisations.")
    may: set[str] = set()
    for path, entry in _entries(programme, ("roles",)):
        actions: list[str] = []
        for index, action in _items(entry.get("may")):
            if action in actions:
                document.fault((*path, "may", index), f"{action} is there twice.")
            actions.append(str(action))
        if entry.get("code") in held:
            may |= set(actions)
    if programme.get("organisations"):
        for action, words in (
            ("refer", "refer"),
            ("answer_referral", "answer a referral"),
            ("start_journey", "start a journey"),
        ):
            if action not in may:
                document.fault(("organisations",), f"No organisation has a role that may {words}.")


def _check_days(document: _Document, programme: Mapping[str, Any]) -> None:
    first, last = programme.get("starts_on"), programme.get("ends_on")
    # A moment is a date to Python, and is told as a fault of its shape.
    if type(first) is type(last) is date and first > last:
        document.fault(("ends_on",), f"Lies before starts_on ({first.isoformat()}).")
    for path, entry in _entries(programme, ("follow_ups",)):
        if (entry.get("days") is None) == (entry.get("months") is None):
            document.fault(path, "Needs exactly one of days and months.")


def _check_progress(document: _Document, programme: Mapping[str, Any]) -> None:
    progress = programme.get("progress")
    if not isinstance(progress, dict):
        return
    low, high, every = (progress.get(name) for name in ("scale_min", "scale_max", "every_months"))
    if isinstance(low, int) and isinstance(high, int) and low >= high:
        document.fault(("progress", "scale_max"), f"Must be above scale_min ({low}).")
    if isinstance(every, int) and every < 1:
        document.fault(("progress", "every_months"), "Must be at least 1.")


def _check_targets(document: _Document, programme: Mapping[str, Any], codes: Mapping[Path, set[str]]) -> None:
    figures = set(target_names(codes["follow_ups",]))
    for path, entry in _entries(programme, ("outputs",)):
        if entry.get("code") in figures:
            document.fault((*path, "code"), f"{entry['code']} is the name of another figure.")
    seen: set[tuple[str, str]] = set()
    for path, entry in _entries(programme, ("targets",)):
        figure, place = entry.get("figure"), entry.get("municipality")
        if isinstance(figure, str) and figure not in figures | codes["outputs",]:
            document.fault((*path, "figure"), f"{figure} is no figure: not {A_TARGET}.")
        if isinstance(place, str) and place not in codes["municipalities",]:
            document.fault((*path, "municipality"), f"{place} is not among the municipalities.")
        if (str(figure), str(place)) in seen:
            document.fault(path, "The same figure and municipality have a target already.")
        seen.add((str(figure), str(place)))


ONCE = ("deviation", "monthly_attendance", "hours_below_plan", *WRITTEN)
"""Kinds of reports of which a referrer is owed one at most."""


def _check_report_duties(
    document: _Document, programme: Mapping[str, Any], codes: Mapping[Path, set[str]]
) -> None:
    seen: set[tuple[str, str]] = set()
    for path, entry in _entries(programme, ("report_duties",)):
        kind, referrer, after = (entry.get(name) for name in ("kind", "referrer", "after_days"))
        if kind in ONCE and (str(kind), str(referrer)) in seen:
            document.fault(path, "The same kind and referrer have a duty already.")
        seen.add((str(kind), str(referrer)))
        for index, reason in _items(entry.get("reasons")):
            if reason not in codes["reasons", "absence"]:
                document.fault((*path, "reasons", index), f"{reason} is no reason of absence.")
        if kind == "long_absence" and (after is None or not entry.get("reasons")):
            document.fault(path, "A long absence needs after_days and reasons.")
        if (kind == "hours_below_plan") != (entry.get("below_percent") is not None):
            document.fault(path, "Hours below plan need below_percent, and nothing else has it.")
        if kind != "hours_below_plan" and entry.get("counts_excused"):
            document.fault(path, "Only hours below plan count what is excused.")
        if (kind in WRITTEN) != (entry.get("sent_within_working_days") is not None):
            document.fault(
                path, "What a provider writes needs sent_within_working_days, and nothing else has it."
            )
        if (kind == "periodic_report") != (entry.get("every_months") is not None):
            document.fault(path, "A periodic report needs every_months, and nothing else has it.")


def _check_absence(document: _Document, programme: Mapping[str, Any]) -> None:
    """A reason of health must not be told by the minutes that follow from its flags."""
    reasons = list(_entries(programme, ("reasons", "absence")))
    excused = [(path, entry) for path, entry in reasons if entry.get("excused") is True]
    alone = all(entry.get("hidden_as_health") for _, entry in excused)
    for path, entry in reasons:
        hidden = entry.get("hidden_as_health") is True
        if hidden and entry.get("counts_as_attended"):
            document.fault(path, "Events tell which minutes count as attended, so no reason of health does.")
        if hidden and entry.get("excused") and alone:
            document.fault(path, "Another reason that tells nothing of health must be excused too.")


def _at(programme: Mapping[str, Any], where: Path) -> Any:
    found: Any = programme
    for name in where:
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _items(found: Any) -> Iterator[tuple[int, Any]]:
    yield from enumerate(found if isinstance(found, list) else [])


def _entries(programme: Mapping[str, Any], where: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    for index, entry in _items(_at(programme, where)):
        if isinstance(entry, dict):
            yield (*where, index), entry
