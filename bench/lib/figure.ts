/** One line of a table of `bench/RESULTS.md`. */
export interface Figure {
  figure: string;
  ours: string;
  /** "" where there is nothing to compare with. */
  reference: string;
  measured: string;
  target: string;
  met: boolean;
}

/** What the small print of the clock may cost, beside a ratio. */
export const ALLOWED_SECONDS = 0.2;

export const inSeconds = (value: number): string => `${value.toFixed(value < 1 ? 3 : 2)} s`;
export const inMebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
