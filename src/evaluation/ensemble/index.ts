export * from "./bases.js";
export * from "./vote.js";
export * from "./votingWeights.js";
