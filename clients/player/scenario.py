"""The plan of the whole play: who comes, what is done on which day, what must be refused. Pure and seeded.

The same seed and the same programme give the same plan, command for command.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from random import Random

from clients.player import groups, registers
from clients.player.acts import Act, BadRecord, Plan, Step, step_after, step_from, stop_after
from clients.player.asking import Asking
from clients.player.cohort import LAST_REFERRAL_BEFORE_END, Fate, Person, people, weekday
from clients.player.course import begin
from clients.player.doubles import DOUBLES, said, second
from clients.player.newcomer import newcomers
from clients.player.programme import Programme
from clients.player.story import Story

RETURNS: dict[Fate, tuple[int, Fate]] = {
    "declined": (6, "handed over"),
    "unanswered": (3, "by plan"),
    "broken off": (5, "by plan"),
    "by plan": (3, "handed over"),
    "moved": (3, "mistake after start"),
}
"""After which first journey how many are referred again, and how the second one goes."""
TWICE: tuple[Fate, ...] = ("declined", "by plan", "declined", "by plan", "broken off", "moved")
"""How the second journey goes of those whom another agency registers by number, and refers while the first is open."""
MISTAKES: tuple[Fate, ...] = ("mistake before start", "mistake after start", "mistake after exit")
ERASED = 3
OUTPUT_MARGIN = 1.15
"""An output ends this much above its target, so that a correction leaves it reached."""
BAD_RECORDS = 4


def build(programme: Programme, seed: int, *, inbound: tuple[str, ...]) -> Plan:
    """The plan. inbound: the referrers that have a topic of their own from the start and use it for about half."""
    random = Random(seed)
    cohort = people(programme, random)
    acts: list[Act] = []
    returns = {fate: count for fate, (count, _) in RETURNS.items()}
    number = 0
    single: list[Person] = []
    twice, doubles = list(TWICE), list(DOUBLES)
    for person in cohort:
        number += 1
        story = Story(
            programme,
            random,
            person,
            plan_key=f"w{number:03}",
            fate=person.fate,
            referred_on=person.referred_on,
            previous=None,
            inbound=inbound,
        )
        acts += story.told()
        again_on = weekday(story.today + timedelta(days=random.randint(20, 60)))
        latest = programme.ends_on - timedelta(days=LAST_REFERRAL_BEFORE_END)
        if returns.get(person.fate, 0) > 0 and again_on <= latest:
            returns[person.fate] -= 1
            number += 1
            again = Story(
                programme,
                random,
                person,
                plan_key=f"w{number:03}",
                fate=RETURNS[person.fate][1],
                referred_on=again_on,
                previous=story.plan_key,
                inbound=inbound,
            )
            acts += again.told()
        elif twice and (referrer := _another(programme, person)) and person.fate == "handed over":
            number += 1
            acts += Story(
                programme,
                random,
                replace(person, referrer=referrer),
                plan_key=f"w{number:03}",
                fate=twice.pop(),
                referred_on=weekday(person.referred_on + timedelta(days=random.randint(25, 60))),
                previous=None,
                inbound=inbound,
            ).told()
        elif doubles and not person.personnummer and story.exited_on and person.fate not in MISTAKES:
            other = second(random, person, doubles[0], story.exited_on, tuple(programme.municipalities))
            if other.referred_on > latest:
                continue
            number += 1
            told = Story(
                programme,
                random,
                other,
                plan_key=f"w{number:03}",
                fate=other.fate,
                referred_on=other.referred_on,
                previous=None,
                inbound=inbound,
            ).told()
            acts += [*told, *said(person, other, told, doubles.pop(0))]
        elif story.exited_on:
            single.append(person)
    acts += newcomers(programme, random, number=len(cohort), journey=number + 1)
    acts += _outputs(programme, random)
    last = max(_ends(programme, acts), step_from(programme.ends_on))
    acts += registers.visits(programme, _last_taken_part(acts))
    acts += registers.closures(programme)
    acts += groups.groups(programme, registers.weekdays(programme))
    acts += [_erasure(person, last) for person in random.sample(single, ERASED)]
    bad_records = _bad_records(programme, random, cohort, inbound)
    stops = {*_falling_due(programme, acts), *registers.stops(programme.starts_on, last)}
    return _plan(acts, bad_records, last=last, stops=stops, number=_people(acts))


def _last_taken_part(acts: Iterable[Act]) -> date:
    """The last day on which anybody can have taken part."""
    return max(act.occurred_on for act in acts if act.deed == "record_exit")


def _people(acts: Iterable[Act]) -> int:
    """How many people there are, as far as they know it themselves: some were registered twice."""
    ledger = {"register": set[str](), "merge": set[str](), "part": set[str]()}
    for act in acts:
        if act.deed == "register":
            ledger["register"].add(act.says["person"].key)
        elif act.deed in ("merge", "part"):
            ledger[act.deed].add(act.says["other"])
    return len(ledger["register"]) - len(ledger["merge"] - ledger["part"])


def _another(programme: Programme, person: Person) -> str | None:
    """Another agency that may find the same person by number; None where the person has none."""
    referrers = programme.those_who_may("refer", "register_participant", "withdraw_referral")
    providers = programme.those_who_may("answer_referral")
    others = [one for one in referrers if one != person.referrer and one not in providers]
    return others[0] if person.personnummer and others else None


def _plan(
    acts: Iterable[Act], bad_records: Sequence[BadRecord], *, last: date, stops: Iterable[date], number: int
) -> Plan:
    """Acts by day; the clock also stops on `stops`, where nothing is done but something falls due."""
    by_day: dict[date, list[Act]] = {}
    for act in acts:
        by_day.setdefault(act.recorded_on, []).append(act)
    bad: dict[date, list[BadRecord]] = {}
    for record in bad_records:
        bad.setdefault(record.recorded_on, []).append(record)
    days = sorted({*by_day, *bad, *stops, last})
    return Plan(
        steps=tuple(
            Step(on=on, acts=tuple(by_day.get(on, ())), bad_records=tuple(bad.get(on, ()))) for on in days
        ),
        ends_on=last,
        commands=sum(map(len, by_day.values())) + len(bad_records),
        people=number,
    )


def _falling_due(programme: Programme, acts: Iterable[Act]) -> set[date]:
    """Steps by which a follow-up that is answered has fallen due, or an unanswered offer or referral has expired."""
    found: set[date] = set()
    exits: dict[str, date] = {}
    unanswered: dict[tuple[str, str], date] = {}
    for act in acts:
        match act.deed:
            case "record_exit":
                exits[act.plan_key] = act.occurred_on
            case "answer_follow_up":
                found.add(step_from(programme.follow_up(act.says["follow_up"]).due_on(exits[act.plan_key])))
            case "offer":
                unanswered[act.plan_key, act.says["offer"]] = act.says["deadline_on"]
            case "accept_offer" | "decline_offer" | "recall_offer":
                unanswered.pop((act.plan_key, act.says["offer"]), None)
            case _:
                pass
    return found | {step_after(deadline) for deadline in unanswered.values()} | _silences(programme, acts)


def _silences(programme: Programme, acts: Iterable[Act]) -> set[date]:
    """Steps by which the last day of an answer to a referral has passed. acts: those of one journey in their order."""
    found: set[date] = set()
    waiting: dict[str, Asking] = {}
    for act in acts:
        if act.deed == "refer":
            waiting[act.plan_key] = begin(act, programme).asking
        asking = waiting.get(act.plan_key)
        while asking and asking.overdue(act.recorded_on):
            assert asking.answer_by is not None
            seen_on = stop_after(asking.answer_by)
            found.add(seen_on)
            asking.expire(seen_on)
        if asking and act.deed == "pass_on":
            asking.refused(act.by, act.occurred_on, act.says["reason"], known_on=act.recorded_on)
        if act.deed in ("accept", "decline", "withdraw", "mistake"):
            waiting.pop(act.plan_key, None)
    return found


def _ends(programme: Programme, acts: Iterable[Act]) -> date:
    """The first step on which every deadline and every follow-up has passed and been seen."""
    last_days = [act.recorded_on for act in acts]
    for act in acts:
        if act.deed == "record_exit":
            last_days += [one.answer_by(act.occurred_on) for one in programme.follow_ups]
        if act.deed == "offer":
            last_days.append(act.says["deadline_on"])
    return step_after(step_after(max(last_days)))


def _erasure(person: Person, on: date) -> Act:
    return Act(
        plan_key=f"erasure-{person.key}",
        deed="erase",
        by=person.referrer,
        duty="caseworker",
        occurred_on=on,
        recorded_on=on,
        says={"person": person.key},
    )


def _outputs(programme: Programme, random: Random) -> list[Act]:
    """Every output to its targets and a little more, over the programme's time; some are corrected."""
    acts: list[Act] = []
    loggers = programme.those_who_may("log_output", "offer_handover")
    places = tuple(programme.municipalities)
    days = (programme.ends_on - programme.starts_on).days
    for output in programme.outputs:
        targets = [one for one in programme.targets if one.figure == output]
        wanted: list[tuple[str | None, int]] = [
            (one.municipality, one.at_least if one.municipality else round(one.at_least * OUTPUT_MARGIN))
            for one in targets
        ]
        largest = 1 if all(place for place, _ in wanted) else 2 if max(n for _, n in wanted) < 60 else 6
        for place, amount in wanted:
            left = amount
            while left > 0:
                quantity = min(left, random.randint(1, largest))
                left -= quantity
                on = programme.starts_on + timedelta(days=random.randint(60, days - 20))
                acts += _output(
                    f"out-{len(acts):03}",
                    output,
                    quantity,
                    place or random.choice(places),
                    on,
                    by=random.choice(loggers),
                    wrong=random.random() < 0.12,
                    random=random,
                )
        acts += _output(
            f"out-{len(acts):03}",
            output,
            0,
            places[0],
            programme.starts_on + timedelta(days=200),
            by=loggers[0],
            wrong=True,
            random=random,
        )
    return acts


def _output(
    plan_key: str, output: str, quantity: int, place: str, on: date, *, by: str, wrong: bool, random: Random
) -> list[Act]:
    """One output; when wrong, first logged with another quantity and corrected a week later."""
    first = quantity + random.randint(1, 3) if wrong else quantity
    says = {"output": output, "quantity": first, "municipality": place}
    logged = Act(
        plan_key=plan_key,
        deed="log_output",
        by=by,
        duty="caseworker",
        occurred_on=on,
        recorded_on=step_from(on),
        says=says,
    )
    if not wrong:
        return [logged]
    again = step_from(on + timedelta(days=7))
    return [
        logged,
        Act(
            plan_key=plan_key,
            deed="correct_output",
            by=by,
            duty="caseworker",
            occurred_on=again,
            recorded_on=again,
            says={"quantity": quantity},
        ),
    ]


def _bad_records(
    programme: Programme, random: Random, cohort: Sequence[Person], inbound: Sequence[str]
) -> tuple[BadRecord, ...]:
    """Records that an inbound topic must reject: a personnummer as reference, and what is not a referral."""
    if not inbound:
        return ()
    records = []
    for number in range(BAD_RECORDS):
        by = inbound[number % len(inbound)]
        person = next(one for one in cohort[number * 11 :] if one.referrer == by)
        on = step_after(step_after(step_from(person.referred_on)))
        good = {
            "programme": programme.id,
            "municipality": person.municipality,
            "occurred_on": on.isoformat(),
        }
        if number == BAD_RECORDS - 1:
            records.append(
                BadRecord(by=by, recorded_on=on, value=b'{"reference": ', participant=None, why="broken JSON")
            )
            continue
        year, month, day = random.randint(50, 99), random.randint(1, 9), random.randint(10, 19)
        reference = f"19{year}0{month}{day}-98{random.randint(0, 9)}"
        records.append(
            BadRecord(
                by=by,
                recorded_on=on,
                value=good | {"reference": _with_check_digit(reference)},
                participant=person.key,
                why="personnummer as reference",
            )
        )
    return tuple(records)


def _with_check_digit(number: str) -> str:
    digits = number.replace("-", "")[2:]
    doubled = (int(digit) * (2 - position % 2) for position, digit in enumerate(digits))
    return f"{number}{-sum(value - 9 if value > 9 else value for value in doubled) % 10}"
