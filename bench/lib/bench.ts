/** One benchmark; `bench/run.ts` lists them. */
export interface Bench {
  name: string;
  summary: string;
  /** Flags with their defaults, for `--help`. */
  usage: string;
  /** Prints its table on standard output. */
  run(args: string[]): Promise<void>;
}
