/** Columns as wide as their widest cell, two spaces apart: words stand to the left; of figures, all but the first column to the right. */
export function table(rows: readonly (readonly string[])[], cells: "figures" | "words" = "figures"): string {
  const widths = rows.reduce<number[]>((widest, row) => {
    row.forEach((cell, c) => {
      widest[c] = Math.max(widest[c] ?? 0, cell.length);
    });
    return widest;
  }, []);
  return rows
    .map((row) =>
      row
        .map((cell, c) => (c === 0 || cells === "words" ? cell.padEnd(widths[c]!) : cell.padStart(widths[c]!)))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** A figure of a table. */
export const figure = (value: number | null, digits = 4): string =>
  value === null ? "–" : value.toFixed(digits).replace("-", "−");

/** A difference with its interval. */
export const difference = (value: number, [low, high]: readonly [number, number], digits = 4): string =>
  `${figure(value, digits)} [${figure(low, digits)}, ${figure(high, digits)}]`;

export const percent = (value: number): string => `${(100 * value).toFixed(1)} %`;

/** 12345 as `12 345`. */
export const whole = (value: number): string => String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, " ");

export const bytes = (value: number): string => `${whole(value / 1_048_576)} MiB`;
