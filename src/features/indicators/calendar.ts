import { MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_MINUTE } from "../../types/index.js";
import type { Indicator, IndicatorOutput, SwitchIndicator } from "../indicator.js";

/** A bar covers (close − step, close]: it belongs to the hour and the day that hold its last moment. */
const LAST_MOMENT = 1;

const irregular = (step: number | null) => (step === null ? "clock features need bars of a regular step" : undefined);
const shorterThan = (limit: number, words: string) => (step: number | null) =>
  irregular(step) ?? (step! >= limit ? `it is constant on bars of ${words} or longer` : undefined);

/** Sine and cosine of a phase in [0, 1), so that the end of a cycle is beside its start. */
function cycle(
  id: string,
  words: string,
  phase: (local: number) => number,
  local: (moment: number) => number,
): IndicatorOutput[] {
  return (["sin", "cos"] as const).map((wave) => ({
    name: `${id}_${wave}`,
    formula: `${wave}(2π × ${words})`,
    lookback: 1,
    create: () => ({
      push: (bar) => Math[wave](2 * Math.PI * phase(local(bar.timestamp - LAST_MOMENT))),
    }),
  }));
}

function cyclic(
  id: string,
  description: string,
  words: string,
  refuses: (step: number | null) => string | undefined,
  phase: (local: number) => number,
): SwitchIndicator {
  return {
    kind: "switch",
    id,
    group: "calendar",
    description,
    base: true,
    higher: null,
    refuses,
    features: ({ calendar }) => cycle(id, words, phase, (moment) => calendar.local(moment)),
  };
}

/** 1970-01-01 was a Thursday; days count from Monday. */
const FIRST_WEEKDAY = 3;

export const CALENDAR: Indicator[] = [
  cyclic(
    "minute",
    "Minute of the hour that holds the bar's last moment, as sine and cosine.",
    "(minute of the hour at close − 1 µs) / 60",
    shorterThan(MICROS_PER_HOUR, "an hour"),
    (moment) => Math.floor((moment % MICROS_PER_HOUR) / MICROS_PER_MINUTE) / 60,
  ),
  cyclic(
    "hour",
    "Hour of the exchange's day that holds the bar's last moment, as sine and cosine.",
    "(hour on the exchange's clock at close − 1 µs) / 24",
    shorterThan(MICROS_PER_DAY, "a day"),
    (moment) => Math.floor((moment % MICROS_PER_DAY) / MICROS_PER_HOUR) / 24,
  ),
  cyclic(
    "day_of_week",
    "Day of the week that holds the bar's last moment, as sine and cosine.",
    "(day of the week on the exchange's clock at close − 1 µs) / 7, Monday = 0",
    irregular,
    (moment) => ((Math.floor(moment / MICROS_PER_DAY) + FIRST_WEEKDAY) % 7) / 7,
  ),
  {
    kind: "switch",
    id: "minutes_since_day_start",
    group: "calendar",
    description: "Minutes from the start of the trading day to the close.",
    base: true,
    higher: null,
    refuses: shorterThan(MICROS_PER_DAY, "a day"),
    features: ({ calendar }) => [
      {
        name: "minutes_since_day_start",
        formula: "minutes from the open of the trading day's session to the bar's close",
        lookback: 1,
        create: () => ({
          push: (bar) => (bar.timestamp - calendar.sessionOf(bar.timestamp).open) / MICROS_PER_MINUTE,
        }),
      },
    ],
  },
];
