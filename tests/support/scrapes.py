"""What a process says of itself on `/metrics`, as Prometheus reads it."""

import httpx

from tools.stack import Stack

SCRAPE_SECONDS = 10
"""After which Prometheus gives up, and would take the process for down."""


def scraped(stack: Stack, process: str, seconds: float = SCRAPE_SECONDS) -> dict[str, float]:
    """{series with its labels: value} of one process. Raises httpx.HTTPError where it does not answer."""
    answer = httpx.get(f"{stack.health_url(process)}/metrics", timeout=seconds, trust_env=False)
    answer.raise_for_status()
    lines = [line for line in answer.text.splitlines() if not line.startswith("#")]
    return {series: float(value) for series, _, value in (line.rpartition(" ") for line in lines)}


def measured(stack: Stack, process: str, name: str, **labels: str) -> float:
    """The sum over the series of this name that have these labels; 0 where there is none yet."""
    wanted = [f'{key}="{value}"' for key, value in labels.items()]
    return sum(
        value
        for series, value in scraped(stack, process).items()
        if series.partition("{")[0] == name and all(label in series for label in wanted)
    )
