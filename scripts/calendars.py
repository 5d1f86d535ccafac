"""Writes config/calendars/*.csv: the days on which an exchange is closed, opens late or closes early.

Made from pandas_market_calendars (MIT), which is needed for this script alone:

    python -m venv /tmp/calendars && /tmp/calendars/bin/pip install pandas_market_calendars==5.5.0
    /tmp/calendars/bin/python scripts/calendars.py

Regular hours stand in config/symbols.yaml; a day that keeps them has no line here. Times are the exchange's own, of that
day unless they end in -1 (the evening before).
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pandas_market_calendars as mcal

FOLDER = Path(__file__).resolve().parent.parent / "config" / "calendars"
FIRST, LAST = "1998-01-01", "2032-12-31"
SOURCES = {"nyse": "NYSE", "cme_equity": "CME Globex Equity", "cme_metals": "CMEGlobex_GC"}


def main() -> None:
    """Write every table."""
    for name, source in SOURCES.items():
        rows = exceptions(source)
        text = [
            f"# {source} of pandas_market_calendars {mcal.__version__}, {FIRST} to {LAST}; made by scripts/calendars.py",
            "date,change,time",
            *rows,
        ]
        (FOLDER / f"{name}.csv").write_text("\n".join(text) + "\n")
        print(name, len(rows))


def exceptions(source: str) -> list[str]:
    """One line a change: `2024-12-25,closed,` or `2024-11-29,close,12:15`."""
    calendar = mcal.get_calendar(source)
    schedule = calendar.schedule(FIRST, LAST, market_times=["market_open", "market_close"], tz=calendar.tz)
    rows = []
    for day in pd.date_range(FIRST, LAST, freq="B"):
        date = day.date()
        if day not in schedule.index:
            rows.append(f"{date},closed,")
            continue
        for change, column in (("open", "market_open"), ("close", "market_close")):
            moment = schedule.loc[day, column]
            regular, days_before = regular_time(calendar, column, date)
            if (moment.time(), (date - moment.date()).days) != (regular, days_before):
                before = "-1" if (date - moment.date()).days == 1 else ""
                rows.append(f"{date},{change},{moment:%H:%M}{before}")
    extra = [day for day in schedule.index if day.weekday() > 4]
    assert not extra, f"{source} has sessions on weekends: {extra[:3]}"
    return rows


def regular_time(calendar: mcal.MarketCalendar, column: str, date: dt.date) -> tuple[dt.time, int]:
    """The hour that holds on `date` where nothing else is said, and how many days before it."""
    found = (dt.time(0), 0)
    for since, time, *offset in calendar.regular_market_times[column]:
        if since is None or dt.date.fromisoformat(since) <= date:
            found = (time.replace(tzinfo=None), -offset[0] if offset else 0)
    return found


if __name__ == "__main__":
    main()
