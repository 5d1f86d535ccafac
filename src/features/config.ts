import { z } from "zod";
import { FEATURE_GROUPS } from "./definition.js";
import type { Indicator } from "./indicator.js";
import { INDICATORS } from "./indicators/index.js";
import { parseTimeframe } from "./timeframe.js";

const MAX_PERIOD = 5000;
/** Of one indicator; and of higher timeframes: a bundle's pipeline comes through here too, and may be a stranger's. */
const MAX_PERIODS = 100;
const MAX_TIMEFRAMES = 20;

type SettingSchema = z.ZodDefault<z.ZodArray<z.ZodInt>> | z.ZodDefault<z.ZodBoolean>;

function settingOf(indicator: Indicator, where: "base" | "higher"): SettingSchema | undefined {
  if (indicator.kind === "periods") {
    return z
      .array(z.int().min(indicator.min).max(MAX_PERIOD))
      .max(MAX_PERIODS)
      .refine((periods) => new Set(periods).size === periods.length, "a period is listed twice")
      .default([...indicator[where]])
      .describe(`${indicator.description} Periods in bars; [] for none.`);
  }
  const value = indicator[where];
  return value === null ? undefined : z.boolean().default(value).describe(indicator.description);
}

/** One key an indicator: its periods, or whether it is computed. */
function settingsOf(where: "base" | "higher") {
  const shape: Record<string, SettingSchema> = {};
  for (const indicator of INDICATORS) {
    const setting = settingOf(indicator, where);
    if (setting !== undefined) shape[indicator.id] = setting;
  }
  return z.strictObject(shape).prefault({});
}

/** The `features:` section of the YAML; `{}` means every default feature. */
export const featuresConfigSchema = z.strictObject({
  groups: z
    .array(z.enum([...FEATURE_GROUPS, "plugin"]))
    .default([...FEATURE_GROUPS, "plugin"])
    .describe("Groups of features to compute."),
  base: settingsOf("base").describe("Indicators on the base bars."),
  higher: settingsOf("higher").describe("Indicators on completed bars of each higher timeframe."),
  timeframes: z
    .array(
      z
        .string()
        .refine(
          (text) => parseTimeframe(text) !== undefined,
          "a timeframe is a length such as 15m, 1h or 1d that divides a day",
        ),
    )
    .max(MAX_TIMEFRAMES)
    .refine((lengths) => new Set(lengths).size === lengths.length, "a timeframe is listed twice")
    .default(["15m", "30m", "1h", "4h", "1d"])
    .describe("Higher timeframes; those that the base bar does not divide are left out."),
  include: z
    .array(z.string())
    .default([])
    .describe("Names or patterns (rsi_*, 1h_*) of the only features to keep; [] keeps all."),
  exclude: z.array(z.string()).default([]).describe("Names or patterns of features to leave away."),
  plugins: z.array(z.string()).default([]).describe("Paths of modules that define further features."),
});

/** The validated section. */
export type FeaturesConfig = z.infer<typeof featuresConfigSchema>;
/** The section as a person writes it. */
export type FeaturesConfigInput = z.input<typeof featuresConfigSchema>;
