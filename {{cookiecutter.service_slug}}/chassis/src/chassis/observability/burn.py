"""Recording rules and burn-rate alerts for an objective (Google SRE workbook, chapter 5).

Two series are recorded for each: the total, and the bad part of it. The bad share over longer times comes from these
two, so that no rule reads a month of raw series. A budget burns at rate 1 when it is used up at the end of the window.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .objectives import Duration, Errors, Level, Objective, Promises

Rule = dict[str, Any]
HOUR = 3_600
# How often the rules run: each sample stands for the time until the next one.
INTERVAL_SECONDS = 60
# A rate that is high because of few requests must not alert anyone.
MIN_BAD = 10
SHARE = "{{ $value | humanizePercentage }}"


@dataclass(frozen=True)
class Burn:
    """Alerts when this share of the budget is spent within the long window; the short one shows that it continues."""

    severity: str
    share: float
    long: str
    short: str

    def rate(self, window_seconds: float) -> float:
        """The burn rate: how many times faster than allowed the budget is spent."""
        return round(self.share * window_seconds / (_hours(self.long) * HOUR), 2)


BURNS = (
    Burn("page", 0.02, "1h", "5m"),
    Burn("page", 0.05, "6h", "30m"),
    Burn("ticket", 0.10, "1d", "2h"),
    Burn("ticket", 0.10, "3d", "6h"),
)


def rules(objective: Objective, promises: Promises) -> Iterator[Rule]:
    """All rules of one objective."""
    labels = {"service": promises.service, "slo": objective.name}
    total, bad = _measured(objective, promises.job_matcher)
    window = f"{promises.window / HOUR / 24:g}d"
    yield {"record": "slo:total:rate5m", "expr": total, "labels": labels}
    yield {"record": "slo:bad:rate5m", "expr": bad, "labels": labels}
    yield {"record": "slo:budget:ratio", "expr": f"vector({objective.budget:g})", "labels": labels}
    for time in sorted({time for burn in BURNS for time in (burn.long, burn.short)} | {window}, key=_hours):
        yield {"record": f"slo:bad:ratio{time}", "expr": _share(_selector(labels), time), "labels": labels}
    for burn in BURNS:
        yield _alert(objective, burn, promises, labels)


def _alert(objective: Objective, burn: Burn, promises: Promises, labels: dict[str, str]) -> Rule:
    rate, each = burn.rate(promises.window), _selector(labels)
    tests = [f"slo:bad:ratio{time}{each} > {rate:g} * {objective.budget:g}" for time in (burn.long, burn.short)]
    if not isinstance(objective, Level):
        tests.append(f"{_count(each, burn.long)} >= {MIN_BAD}")
    return {
        "alert": objective.alert,
        "expr": "\nand\n".join(tests),
        "labels": {"severity": burn.severity, **labels, "window": burn.long},
        "annotations": {
            "summary": f"{promises.service} misses an objective: {objective.promise}",
            "description": (
                f"{SHARE} was bad within {burn.long}, and it continues; the objective allows"
                f" {100 * objective.budget:.4g}%. At this rate the error budget of {promises.window / HOUR / 24:g} days"
                f" is consumed in {_span(promises.window / rate)}."
            ),
        },
    }


def _measured(objective: Objective, jobs: str) -> tuple[str, str]:
    """Two expressions: the total per second, and the bad part of it."""
    match objective:
        case Errors(routes=routes):
            requests = f"http_requests_total{{{jobs}, {_routes(routes)}"
            total = f"sum by (namespace) (rate({requests}}}[5m]))"
            # Without the second half the result is empty instead of 0 while no request has failed.
            return total, f'sum by (namespace) (rate({requests}, status=~"5.."}}[5m]))\nor\n0 * {total}'
        case Duration(routes=routes, within=within):
            name, labels = "http_request_duration_seconds", f"{{{jobs}, {_routes(routes)}"
            total = f"sum by (namespace) (rate({name}_count{labels}}}[5m]))"
            return total, f'{total}\n-\nsum by (namespace) (rate({name}_bucket{labels}, le="{within}"}}[5m]))'
        case Level(of=of, below=below):
            return f"group by (namespace) ({of}{{{jobs}}})", f"max by (namespace) ({of}{{{jobs}}}) > bool {below:g}"
    raise TypeError(f"no measure for {objective}")


def _share(selector: str, time: str) -> str:
    if time == "5m":
        return f"slo:bad:rate5m{selector} / slo:total:rate5m{selector}"
    return f"sum_over_time(slo:bad:rate5m{selector}[{time}])\n/\nsum_over_time(slo:total:rate5m{selector}[{time}])"


def _count(selector: str, time: str) -> str:
    return f"sum_over_time(slo:bad:rate5m{selector}[{time}]) * {INTERVAL_SECONDS}"


def _selector(labels: dict[str, str]) -> str:
    return "{" + ", ".join(f'{name}="{value}"' for name, value in labels.items()) + "}"


def _routes(routes: list[str]) -> str:
    """Matches any of these templates; a star stands for any text."""
    patterns = [".*".join(re.escape(part).replace("\\-", "-") for part in route.split("*")) for route in routes]
    return f'route=~"{"|".join(patterns)}"'.replace("\\", "\\\\")


def _hours(time: str) -> float:
    return float(time[:-1]) * {"m": 1 / 60, "h": 1, "d": 24}[time[-1]]


def _span(seconds: float) -> str:
    hours = seconds / HOUR
    return f"{hours:.0f} hours" if hours < 2 * 24 else f"{hours / 24:.0f} days"
