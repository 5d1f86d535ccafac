/** Microseconds as `2024-01-31T15:30:00Z`. */
export const isoTime = (micros: number): string =>
  Number.isFinite(micros) ? new Date(micros / 1000).toISOString().replace(".000Z", "Z") : "none";

/** 12345 as `12 345`. */
export const number = (value: number): string => String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, " ");

export const share = (value: number): string => `${(100 * value).toFixed(value < 0.001 && value > 0 ? 3 : 1)} %`;

/** A figure that may be below zero, with a true minus sign. */
export const figure = (value: number, digits = 3): string => value.toFixed(digits).replace("-", "−");

/** `a, b, c and 4 more`. */
export function list(names: readonly string[], most = 6): string {
  if (names.length <= most) return names.join(", ");
  return `${names.slice(0, most).join(", ")} and ${number(names.length - most)} more`;
}
