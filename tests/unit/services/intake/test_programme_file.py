"""A programme's file: everything that is wrong with one is said at once, each with its line."""

import re
from dataclasses import fields, replace
from datetime import date
from pathlib import Path
from typing import get_args

import pytest

from services.intake import handlers
from services.intake.domain.programme import VersionTaken
from services.intake.programme_file import A_DAY, A_TEXT, FaultyProgramme, read_programme
from services.intake.programmes import main
from shared.language import events as e
from shared.language.decision import Change, Subject
from shared.language.programmes import Action, Programme, ProgrammePublished
from shared.language.register_rows import rows_of
from tests.support.intake_work import COACTIVE, COACTIVE_FILE, IntakeWork

KEYS = f"Does not belong here; there are {', '.join(one.name for one in fields(Programme))}."
TEXT = COACTIVE_FILE.read_text(encoding="utf-8")


def faults_of(text: str) -> list[str]:
    """What the check says of this text, line by line."""
    with pytest.raises(FaultyProgramme) as faulty:
        read_programme(text)
    return [str(one) for one in faulty.value.faults]


def first_difference(text: str) -> int:
    """The line, from 1, on which the text first differs from the file's."""
    pairs = zip(TEXT.splitlines(), text.splitlines(), strict=False)
    return next(number for number, (old, new) in enumerate(pairs, start=1) if old != new)


def changed(old: str, new: str) -> str:
    """The programme's text with its one `old` replaced."""
    assert TEXT.count(old) == 1, TEXT.count(old)
    return TEXT.replace(old, new)


def test_coactive_is_in_order_and_says_what_the_field_says() -> None:
    assert COACTIVE.key == "coactive@1"
    assert [(one.figure, one.at_least, one.municipality) for one in COACTIVE.targets] == [
        ("started", 140, None),
        ("workplace_carved", 40, None),
        ("manager_trained", 60, None),
        ("social_enterprise_established", 1, "2482"),
        ("social_enterprise_established", 1, "2417"),
        ("employed_6m", 40, None),
    ]
    assert len(COACTIVE.progress.indicators) == 11


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("version: 1", "version: one", "version: Expected `int`, got `str`."),
        ("version: 1", "version: 0", "version: Expected `int` >= 1."),
        (
            'code: "2417", name',
            "code: 2417, name",
            "municipalities[2].code: Expected `str`, got `int`. Write it in quotes.",
        ),
        ("owner: urkraft", "owner: nobody", "owner: nobody is not among the organisations."),
        ("owner: urkraft", "ownr: urkraft", f"ownr: {KEYS}"),
        ("ends_on: 2018-12-31", "ends_on: 2016-01-31", "ends_on: Lies before starts_on (2016-02-01)."),
        (
            "ends_on: 2018-12-31",
            "ends_on: 2018-02-30",
            "ends_on: Cannot be read: day is out of range for month.",
        ),
        ("ends_on: 2018-12-31", "ends_on: soon", f"ends_on: {A_DAY}"),
        (
            "roles: [steering]",
            "roles: [steerer]",
            "organisations[17].roles[1]: The role steerer is not defined.",
        ),
        (
            "days: 28, answer",
            "days: 28, months: 1, answer",
            "follow_ups[1]: Needs exactly one of days and months.",
        ),
        ("days: 28, answer", "answer", "follow_ups[1]: Needs exactly one of days and months."),
        (
            "figure: employed_6m",
            "figure: employed_9m",
            "targets[6].figure: employed_9m is no figure: not started, employed_<follow-up> or an output.",
        ),
        (
            'at_least: 1, municipality: "2417"',
            'at_least: 1, municipality: "0180"',
            "targets[5].municipality: 0180 is not among the municipalities.",
        ),
        (
            'at_least: 1, municipality: "2417"',
            'at_least: 1, municipality: "2482"',
            "targets[5]: The same figure and municipality have a target already.",
        ),
        ("{code: mentoring,", "{code: guidance,", "activities[6].code: guidance is defined twice."),
        ("id: hotell-statt", "id: kafe-solrosen", "organisations[14].id: kafe-solrosen is defined twice."),
        (
            "{code: mentoring,",
            "{code: Mentoring!,",
            "activities[6].code: Expected `str` matching regex '^[a-z0-9][a-z0-9_-]{0,39}$'.",
        ),
        (
            "special_category: true",
            "special_category: 1",
            "activities[12].special_category: Expected `bool`, got `int`.",
        ),
        (
            "special_category: true",
            "health: true",
            "activities[12].health: Does not belong here; there are code, name, special_category.",
        ),
        (
            "      - withdraw_referral\n",
            "      - withdraw\n",
            f"roles[1].may[5]: Takes one of {', '.join(get_args(Action))}.",
        ),
        ("      - withdraw_referral\n", "      - refer\n", "roles[1].may[5]: refer is there twice."),
        (
            "follows: nothing\n    - code: not_reached",
            "follows: all\n    - code: not_reached",
            "reasons.decline[4].follows: Takes one of refer_elsewhere, refer_again, nothing.",
        ),
        ("scale_max: 5", "scale_max: 1", "progress.scale_max: Must be above scale_min (1)."),
        ("every_months: 3", "every_months: 0", "progress.every_months: Must be at least 1."),
        (
            "{code: workplace_carved,",
            "{code: started,",
            "outputs[1].code: started is the name of another figure.",
        ),
        (
            "handover_max_days: 60",
            "handover_max_days: 60\nhandover_max_days: 90",
            "handover_max_days: Is there twice.",
        ),
        ("ends_on: 2018-12-31", 'ends_on: "2018-W52-1"', f"ends_on: {A_DAY}"),
        ("ends_on: 2018-12-31", 'ends_on: "20181231"', f"ends_on: {A_DAY}"),
        ("ends_on: 2018-12-31", "ends_on: 2018-12-31T00:00:00", f"ends_on: {A_DAY}"),
        ("starts_on: 2016-02-01", "starts_on: 0001-01-01", f"starts_on: {A_DAY}"),
        ("name: Norsjö}", 'name: "\\u2800"}', f"municipalities[2].name: {A_TEXT}"),
        ("name: Norsjö}", 'name: " "}', f"municipalities[2].name: {A_TEXT}"),
        ("{code: mentoring,", '{code: "mentoring\\n",', f"activities[6].code: {A_TEXT}"),
        ("id: hotell-statt", 'id: "hotell-statt\\n"', f"organisations[14].id: {A_TEXT}"),
        ("ways: [moved]", "ways: moved", "reasons.exit[7].ways: Must be a list."),
    ],
)
def test_each_fault_is_named_with_its_line(old: str, new: str, said: str) -> None:
    text = changed(old, new)
    found = faults_of(text)
    assert f"{first_difference(text)}: {said}" in found


def test_what_is_missing_is_named() -> None:
    assert faults_of(changed("handover_max_days: 60\n", "")) == ["3: handover_max_days is missing."]


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (
            "counts_as_attended: true",
            "Events tell which minutes count as attended, so no reason of health does.",
        ),
        ("excused: true", "Another reason that tells nothing of health must be excused too."),
    ],
)
def test_minutes_do_not_tell_that_an_absence_was_of_health(flags: str, said: str) -> None:
    text = TEXT.replace("excused: true", "excused: false")
    code = "      told_to_referrer: true\n      hidden_as_health: true\n"
    assert text.count(code) == 1
    text = text.replace(code, code + f"      {flags}\n").replace("      excused: false\n" + code, code)
    assert [one.partition(": ")[2] for one in faults_of(text)] == [f"reasons.absence[1]: {said}"]


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("hours_below_plan", "Hours below plan need below_percent, and nothing else has it."),
        (
            "monthly_attendance\n    below_percent: 75",
            "Hours below plan need below_percent, and nothing else has it.",
        ),
        ("deviation", "The same kind and referrer have a duty already."),
        ("long_absence", "A long absence needs after_days and reasons."),
        ("monthly_attendance\n    counts_excused: true", "Only hours below plan count what is excused."),
        (
            "joint_plan",
            "What a provider writes needs sent_within_working_days, and nothing else has it.",
        ),
        (
            "periodic_report\n    sent_within_working_days: 5",
            "A periodic report needs every_months, and nothing else has it.",
        ),
    ],
)
def test_a_duty_that_its_kind_cannot_have_is_named(kind: str, said: str) -> None:
    text = changed("kind: monthly_attendance\n    referrer: forsakringskassan\n", f"kind: {kind}\n")
    assert [one.partition(": ")[2] for one in faults_of(text)] == [f"report_duties[2]: {said}"]


def test_all_faults_are_said_at_once_and_none_hides_another() -> None:
    text = changed("version: 1", "version: one").replace("owner: urkraft", "owner: nobody")
    text = text.replace("days: 28, answer", "answer").replace("figure: employed_6m", "figure: employed_9m")
    text = text.replace("scale_min: 1", "scale_min: low").replace("name: Norsjö}", "name: 7}")
    found = faults_of(text)
    assert [re.sub(r"^\d+: ([\w.\[\]]+):.*", r"\1", one) for one in found] == [
        "version",
        "owner",
        "municipalities[2].name",
        "progress.scale_min",
        "follow_ups[1]",
        "targets[6].figure",
    ]
    lines = [int(one.partition(":")[0]) for one in found]
    assert lines == sorted(lines)


def test_a_programme_that_nobody_can_refer_to_or_start_in_cannot_run() -> None:
    found = " ".join(faults_of(changed("      - refer\n", "").replace("      - start_journey\n", "")))
    assert "No organisation has a role that may refer." in found
    assert "No organisation has a role that may start a journey." in found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a: [",
        "- 1",
        "a: &a [*a]",
        "a: !!python/object:os.system x",
        "a: 1\n---\nb: 2",
        "\x00",
        "? [a]\n: 1",
        "<<: 1",
    ],
)
def test_what_is_no_programme_at_all_is_a_fault_too(text: str) -> None:
    assert faults_of(text)


# --- publishing -----------------------------------------------------------------------------------------------


def announced(work: IntakeWork) -> list[ProgrammePublished]:
    return [one for one in work.events if isinstance(one, ProgrammePublished)]


def test_publishing_announces_a_version_once_and_its_rules_alone() -> None:
    work = IntakeWork()
    assert handlers.publish_programme(work, COACTIVE).new
    assert not handlers.publish_programme(work, read_programme(TEXT)).new
    (said,) = announced(work)
    assert said.programme == replace(COACTIVE, organisations=())
    assert e.BY_BODY[type(said)].topic == "journey.programmes.v1"


def test_other_content_under_the_same_version_is_refused_with_a_sentence() -> None:
    work = IntakeWork()
    handlers.publish_programme(work, COACTIVE)
    other = read_programme(changed("figure: started, at_least: 140", "figure: started, at_least: 139"))
    with pytest.raises(VersionTaken, match="publish this content as version 2 or later"):
        handlers.publish_programme(work, other)
    assert len(announced(work)) == 1


def test_the_next_version_is_published_beside_it() -> None:
    work = IntakeWork()
    handlers.publish_programme(work, COACTIVE)
    assert handlers.publish_programme(work, read_programme(changed("version: 1", "version: 2"))).new
    assert len(announced(work)) == 2


def test_who_a_file_names_comes_into_the_register_once() -> None:
    work = IntakeWork()
    handlers.publish_programme(work, COACTIVE)
    first = len(work.events)
    assert first == 1 + 2 * len(COACTIVE.organisations)
    membership = work.get(Subject("membership/urkraft@coactive"))
    assert (membership.roles, membership.first_day) == (("owner", "provider"), COACTIVE.starts_on)
    ended = replace(membership, last_day=date(2017, 1, 1))
    work.save(Subject("membership/urkraft@coactive"), Change(ended, rows=rows_of(ended, None)))
    handlers.publish_programme(work, read_programme(changed("version: 1", "version: 2")))
    assert len(work.events) == first + 1, "nobody is registered again, and who has left stays so"
    assert work.get(Subject("membership/urkraft@coactive")) == ended


def test_a_unit_named_by_an_earlier_programme_too_is_there_from_its_first_day() -> None:
    work = IntakeWork()
    handlers.publish_programme(work, COACTIVE)
    earlier = replace(COACTIVE, id="earlier", starts_on=date(2014, 1, 1))
    handlers.publish_programme(work, earlier)
    assert work.get(Subject("unit/urkraft")).first_day == date(2014, 1, 1)
    assert work.get(Subject("membership/urkraft@coactive")).first_day == COACTIVE.starts_on


# --- the command line -----------------------------------------------------------------------------------------


def test_the_command_line_says_each_fault_as_file_and_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    faulty = tmp_path / "faulty.yaml"
    faulty.write_text(changed("owner: urkraft", "owner: nobody"), encoding="utf-8")
    assert main(["check", str(faulty)]) == 1
    assert capsys.readouterr().err == f"{faulty}:6: owner: nobody is not among the organisations.\n"
    assert main(["check", str(COACTIVE_FILE)]) == 0
    assert capsys.readouterr().out == "coactive@1 is in order.\n"


@pytest.mark.parametrize("arguments", [[], ["publish"], ["burn", "x.yaml"]])
def test_a_misused_command_line_says_how_it_goes(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert "usage:" in capsys.readouterr().err


def test_several_files_are_checked_in_turn_up_to_the_first_at_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    second = COACTIVE_FILE.with_name("coactive-2.yaml")
    assert main(["check", str(COACTIVE_FILE), str(second)]) == 0
    assert capsys.readouterr().out == "coactive@1 is in order.\ncoactive@2 is in order.\n"
    faulty = tmp_path / "faulty.yaml"
    faulty.write_text(changed("owner: urkraft", "owner: nobody"), encoding="utf-8")
    assert main(["check", str(COACTIVE_FILE), str(faulty), str(second)]) == 1
    assert capsys.readouterr().out == "coactive@1 is in order.\n"


def test_the_second_version_of_coactive_adds_the_days_of_an_answer_and_names_nobody() -> None:
    second = read_programme(COACTIVE_FILE.with_name("coactive-2.yaml").read_text(encoding="utf-8"))
    assert second == replace(COACTIVE, version=2, organisations=(), answer_within_days=30)


def test_a_file_that_is_not_there_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "/nowhere/at-all.yaml"]) == 1
    assert "cannot be read" in capsys.readouterr().err
