"""The table of settings, generated from `shared.host.variables`."""

from shared.host.variables import EVERYBODY, VARIABLES, Process

HEADING = """\
| name | meaning | default | required by | given to | secret |
| --- | --- | --- | --- | --- | --- |
"""


def settings() -> str:
    """The table of settings."""
    rows = (
        (
            f"`{one.name}`",
            one.means.replace("|", "\\|"),
            "" if one.default is None else f"`{one.default}`" if one.default else "nothing",
            _spoken(one.required_by),
            _spoken(one.given_to),
            "secret" if one.secret else "",
        )
        for one in VARIABLES
    )
    return HEADING + "".join(f"| {' | '.join(row)} |\n".replace("|  |", "| |") for row in rows)


def _spoken(processes: tuple[Process, ...]) -> str:
    if processes == EVERYBODY:
        return "every process"
    return ", ".join(
        role if service == "*" else service if role == "*" else f"{service} {role}"
        for service, role in processes
    )
