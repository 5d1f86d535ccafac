/** Hours of a session template that hold from a date on. Times are the exchange's own; `17:00-1` is the evening before. */
export interface SessionHours {
  /** First trading date on which they hold, `2021-06-28`; null: always. */
  from: string | null;
  open: string;
  /** `24:00` is the midnight that ends the day. */
  close: string;
  /** `15:15-15:30` */
  breaks: string[];
}

/** When a market trades: what `config/symbols.yaml` says, complete, so that a bundle needs no other file. */
export interface SessionTemplate {
  id: string;
  /** IANA name. */
  timeZone: string;
  /** Trading days of the week, Monday = 1 … Sunday = 7. */
  days: number[];
  /** Ascending by `from`. */
  hours: SessionHours[];
  /** `2024-12-25 closed`, `2024-11-29 close 12:15`, `2002-09-11 open 12:00`. */
  exceptions: string[];
  /** False for the template that stands in for unknown hours. */
  known: boolean;
}

/** What a trade costs, in the symbol's currency. */
export interface Costs {
  tickSize: number;
  /** Worth of one tick of one contract or share. */
  tickValue: number;
  /** Of one contract or share, a side. */
  commission: number;
  /** Ticks lost to the spread, a side. */
  slippageTicks: number;
}

/** How prices of successive contracts are joined. */
export type Adjust = "ratio" | "difference" | "none";

/** What becomes of bars outside of every session. */
export type OutsideSession = "keep" | "drop";

/** A change of contract, and the prices of both by which they are joined. */
export interface Roll {
  /** Close stamp of the new contract's first bar. */
  timestamp: number;
  /** "" where the file does not name it. */
  from: string;
  to: string;
  oldPrice: number;
  newPrice: number;
  /** `given`: both prices at one moment; `spliced`: the old one's last close and the new one's first open. */
  prices: "given" | "spliced";
}
