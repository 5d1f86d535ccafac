/** What long work tells its caller; the CLI draws it, `--json` prints it, `events.ndjson` keeps it. */
export type ProgressEvent =
  | { event: "stage"; job?: string; stage: string; message: string }
  | { event: "progress"; job?: string; stage: string; step: number; total: number; metrics?: Record<string, number> }
  | { event: "notice"; job?: string; message: string }
  | {
      /** A trial of `tune` has ended. */
      event: "trial";
      job: string;
      /** Of a search within another one: of which outer fold. */
      within?: string;
      slot: number;
      state: "complete" | "pruned" | "fail";
      /** Of the tuned metric; null where it was pruned or failed. */
      value: number | null;
      /** The best trial so far. */
      best: { slot: number; value: number } | null;
      params: Record<string, string | number | boolean | null>;
      seconds: number;
      /** What went wrong. */
      message: string;
    }
  | { event: "job_started"; job: string; model: string; symbol: string; horizon: number }
  | { event: "job_finished"; job: string; status: "succeeded" | "failed" | "skipped"; message: string };

export type OnEvent = (event: ProgressEvent) => void;
