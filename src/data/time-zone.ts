import { Temporal } from "temporal-polyfill";
import { didYouMean, FoldwiseError, MICROS_PER_DAY, MICROS_PER_HOUR } from "../types/index.js";

/** Throws `data.bad_time_zone` for a name that the IANA database lacks. */
export function checkTimeZone(name: string): string {
  try {
    new Intl.DateTimeFormat("en-US", { timeZone: name });
    return name;
  } catch (cause) {
    const end = didYouMean(name, Intl.supportedValuesOf("timeZone"));
    throw new FoldwiseError("data.bad_time_zone", `There is no time zone ${JSON.stringify(name)}${end}`, {
      remedy: "Use an IANA name such as UTC, America/New_York or Europe/London.",
      details: { got: name },
      cause,
    });
  }
}

/** UTC candidates of one local time, earlier first: none where clocks sprang over it, two where they were set back. */
export type LocalToUtc = (localMicros: number) => readonly number[];

/**
 * Local times of one zone to UTC. Asking the polyfill costs a tenth of a millisecond, so its answer is kept for each
 * local day around which the offset does not change, and on the others for each such hour.
 */
export function localToUtc(timeZone: string): LocalToUtc {
  if (timeZone === "UTC") return (micros) => [micros];
  const days = new Map<number, readonly number[] | null>();
  const hours = new Map<number, readonly number[] | null>();
  const cached = (cache: typeof days, micros: number, length: number, margin: number): readonly number[] | null => {
    const slot = Math.floor(micros / length);
    let offsets = cache.get(slot);
    if (offsets === undefined) {
      const first = offsetsAt(timeZone, slot * length - margin);
      const last = offsetsAt(timeZone, (slot + 1) * length - 1000 + margin);
      offsets = first.length === last.length && first.every((offset, i) => offset === last[i]) ? first : null;
      cache.set(slot, offsets);
    }
    return offsets;
  };
  return (micros) => {
    const offsets =
      cached(days, micros, MICROS_PER_DAY, MICROS_PER_DAY) ??
      cached(hours, micros, MICROS_PER_HOUR, 0) ??
      offsetsAt(timeZone, micros);
    return offsets.map((offset) => micros - offset);
  };
}

/** Offsets from UTC in microseconds that a local time may have. */
function offsetsAt(timeZone: string, localMicros: number): number[] {
  const local = Temporal.Instant.fromEpochMilliseconds(Math.floor(localMicros / 1000))
    .toZonedDateTimeISO("UTC")
    .toPlainDateTime();
  const early = local.toZonedDateTime(timeZone, { disambiguation: "earlier" });
  const late = local.toZonedDateTime(timeZone, { disambiguation: "later" });
  const valid = [early, late].filter((zoned) => zoned.toPlainDateTime().equals(local));
  return [...new Set(valid.map((zoned) => zoned.offsetNanoseconds / 1000))];
}
