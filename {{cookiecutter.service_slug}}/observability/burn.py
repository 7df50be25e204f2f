"""Makes recording rules and alerts from an objective (Google SRE workbook, chapter 5).

Two figures are recorded for each: how much there was, and how much of it was bad. The share of the bad over a longer
time comes from these two, so that no rule reads a month of raw figures. A budget burns at rate 1 when it is used up at
the end of the window.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .objectives import Duration, Errors, Level, Objective, Promises

Rule = dict[str, Any]
HOUR = 3_600
# How often the rules run: each figure stands for the time until the next one.
INTERVAL_SECONDS = 60
# A rate that is high because of so few requests wakes nobody.
FEWEST_BAD = 10
SHARE = "{{ $value | humanizePercentage }}"


@dataclass(frozen=True)
class Burn:
    """An alert when this share of the budget is gone within the long time, and the short one says that it goes on."""

    severity: str
    share: float
    long: str
    short: str

    def rate(self, window_seconds: float) -> float:
        """How many times faster than allowed that is."""
        return round(self.share * window_seconds / (_hours(self.long) * HOUR), 2)


BURNS = (
    Burn("page", 0.02, "1h", "5m"),
    Burn("page", 0.05, "6h", "30m"),
    Burn("ticket", 0.10, "1d", "2h"),
    Burn("ticket", 0.10, "3d", "6h"),
)


def rules(objective: Objective, promises: Promises) -> Iterator[Rule]:
    """All rules of one objective."""
    mine = {"service": promises.service, "slo": objective.name}
    total, bad = _measured(objective, promises.job_matcher)
    window = f"{promises.window / HOUR / 24:g}d"
    yield {"record": "slo:total:rate5m", "expr": total, "labels": mine}
    yield {"record": "slo:bad:rate5m", "expr": bad, "labels": mine}
    yield {"record": "slo:budget:ratio", "expr": f"vector({objective.budget:g})", "labels": mine}
    for time in sorted({time for burn in BURNS for time in (burn.long, burn.short)} | {window}, key=_hours):
        yield {"record": f"slo:bad:ratio{time}", "expr": _share(_selector(mine), time), "labels": mine}
    for burn in BURNS:
        yield _alert(objective, burn, promises, mine)


def _alert(objective: Objective, burn: Burn, promises: Promises, mine: dict[str, str]) -> Rule:
    rate, each = burn.rate(promises.window), _selector(mine)
    tests = [f"slo:bad:ratio{time}{each} > {rate:g} * {objective.budget:g}" for time in (burn.long, burn.short)]
    if not isinstance(objective, Level):
        tests.append(f"{_count(each, burn.long)} >= {FEWEST_BAD}")
    return {
        "alert": objective.alert,
        "expr": "\nand\n".join(tests),
        "labels": {"severity": burn.severity, **mine, "window": burn.long},
        "annotations": {
            "summary": f"{promises.service} breaks a promise: {objective.promise}",
            "description": (
                f"{SHARE} was bad within {burn.long}, and it goes on; {100 * objective.budget:.4g}% may be in the long"
                f" run. At this rate the budget of {promises.window / HOUR / 24:g} days is gone in"
                f" {_span(promises.window / rate)}."
            ),
        },
    }


def _measured(objective: Objective, jobs: str) -> tuple[str, str]:
    """Two expressions: how much there is each second, and how much of it is bad."""
    match objective:
        case Errors(routes=routes):
            requests = f"http_requests_total{{{jobs}, {_routes(routes)}"
            total = f"sum by (namespace) (rate({requests}}}[5m]))"
            # Without the second half there would be nothing instead of 0 as long as no request has failed.
            return total, f'sum by (namespace) (rate({requests}, status=~"5.."}}[5m]))\nor\n0 * {total}'
        case Duration(routes=routes, within=within):
            name, labels = "http_request_duration_seconds", f"{{{jobs}, {_routes(routes)}"
            total = f"sum by (namespace) (rate({name}_count{labels}}}[5m]))"
            return total, f'{total}\n-\nsum by (namespace) (rate({name}_bucket{labels}, le="{within}"}}[5m]))'
        case Level(of=of, below=below):
            return f"group by (namespace) ({of}{{{jobs}}})", f"max by (namespace) ({of}{{{jobs}}}) > bool {below:g}"
    raise TypeError(f"no measure for {objective}")


def _share(mine: str, time: str) -> str:
    if time == "5m":
        return f"slo:bad:rate5m{mine} / slo:total:rate5m{mine}"
    return f"sum_over_time(slo:bad:rate5m{mine}[{time}])\n/\nsum_over_time(slo:total:rate5m{mine}[{time}])"


def _count(mine: str, time: str) -> str:
    return f"sum_over_time(slo:bad:rate5m{mine}[{time}]) * {INTERVAL_SECONDS}"


def _selector(labels: dict[str, str]) -> str:
    return "{" + ", ".join(f'{name}="{value}"' for name, value in labels.items()) + "}"


def _routes(routes: list[str]) -> str:
    """Any of these templates; a star stands for anything."""
    patterns = [".*".join(re.escape(part).replace("\\-", "-") for part in route.split("*")) for route in routes]
    return f'route=~"{"|".join(patterns)}"'.replace("\\", "\\\\")


def _hours(time: str) -> float:
    return float(time[:-1]) * {"m": 1 / 60, "h": 1, "d": 24}[time[-1]]


def _span(seconds: float) -> str:
    hours = seconds / HOUR
    return f"{hours:.0f} hours" if hours < 2 * 24 else f"{hours / 24:.0f} days"
