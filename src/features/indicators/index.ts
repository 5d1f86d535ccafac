import type { Indicator } from "../indicator.js";
import { CALENDAR } from "./calendar.js";
import { dayPosition, dayReturn, dayVwapDistance } from "./day.js";
import { DIRECTIONAL } from "./directional.js";
import { MOMENTUM } from "./momentum.js";
import { RANGE } from "./range.js";
import { RETURNS } from "./returns.js";
import { TREND } from "./trend.js";
import { VOLATILITY } from "./volatility.js";
import { VOLUME } from "./volume.js";

/** Every built-in indicator, in column order: by group. */
export const INDICATORS: readonly Indicator[] = [
  ...RETURNS,
  dayReturn,
  ...VOLATILITY,
  ...RANGE,
  dayPosition,
  ...MOMENTUM,
  ...TREND,
  ...DIRECTIONAL,
  ...VOLUME,
  dayVwapDistance,
  ...CALENDAR,
];
