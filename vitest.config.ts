import { defineConfig } from "vitest/config";
import LongestFirst from "./test/longestFirst.js";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/scratch.ts"],
    pool: "forks",
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    // Two test files share the cores: a fit of one that waits by spinning takes them from the other. It changes no result.
    env: { OMP_WAIT_POLICY: "passive" },
    testTimeout: 120_000,
    hookTimeout: 300_000,
  },
});
