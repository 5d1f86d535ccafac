import type { BarTime, DateOrder } from "./bars.js";
import type { Adjust, Costs, OutsideSession, Roll, SessionTemplate } from "./market.js";

/** The triple-barrier definition (design, section 3). */
export interface LabelSpec {
  /** Ascending, in bars. */
  horizons: number[];
  entry: "next_open" | "close";
  /** Barrier distance in units of ATR · √H, a side, per horizon (differs only under `targetNeutral`). */
  k: Record<string, number>;
  atrPeriod: number;
  /** `truncate`: the vertical barrier stands at the session's last bar at the latest; `drop`: no label crosses it. */
  session: "cross" | "truncate" | "drop";
}

/** Which features, with which parameters: enough to recompute them from bars. Plain JSON. */
export interface FeatureSpec {
  /** Column order of the dataset. */
  names: string[];
  /** The validated `features:` section that produced them. */
  config: Record<string, unknown>;
  /** Paths of plug-in modules that define features, as written in the configuration. */
  plugins: string[];
}

/** What turns raw bars into a model's rows; written as `{SYMBOL}.meta.json` and copied to bundles as `pipeline.json`. */
export interface PipelineSpec {
  version: 1;
  symbol: string;
  sessions: SessionTemplate;
  outsideSession: OutsideSession;
  barTime: BarTime;
  /** Zone of the source file's zone-less stamps. */
  timeZone: string;
  /** What the source file's dates such as 03/04/2024 mean; left out where it had none. Later bars are read alike. */
  dateOrder?: DateOrder | undefined;
  /** Modal step of the bars in microseconds; null for irregular bars. */
  step: number | null;
  /** More missing bars than this start a new piece. */
  maxGap: number;
  adjust: Adjust;
  /** Changes of contract in the bars that it was made from, oldest first. */
  rolls: Roll[];
  /** Null where no costs are known. */
  costs: Costs | null;
  features: FeatureSpec;
  labels: LabelSpec;
  /** Leading bars that the features need before their values are complete. */
  warmup: number;
  /** Whether the rows come from the demo generator. */
  synthetic: boolean;
}
