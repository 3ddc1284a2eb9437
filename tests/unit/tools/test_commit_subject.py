"""The rule for commit subjects, as the hook applies it."""

import pytest

from tools.commit_subject import faults


@pytest.mark.parametrize(
    "subject",
    [
        "intake: Make correcting use cases of one piece.",
        "shared/runtime: Ask once a second which programmes there are.",
        "Merge branch 'papers'",
        'Revert "intake: Make correcting use cases of one piece."',
    ],
)
def test_a_subject_in_the_form_passes(subject: str) -> None:
    assert faults(f"{subject}\n\nBefore: so.\nNow: otherwise; and more.\n") == []


@pytest.mark.parametrize(
    "subject",
    [
        "",
        "wip",
        "intake: make it right.",
        "intake: Make it right",
        "Intake: Make it right.",
        "intake: Make it right; mend the test.",
        f"intake: Make {'very ' * 14}sure.",
    ],
)
def test_another_subject_is_refused(subject: str) -> None:
    assert faults(f"{subject}\n\nBefore: so.\n") != []
