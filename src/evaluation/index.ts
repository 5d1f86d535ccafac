export * from "./bootstrap.js";
export * from "./crossValidated.js";
export * from "./evaluate.js";
export * from "./importance.js";
export * from "./losses.js";
export * from "./metrics.js";
export * from "./prior.js";
export * from "./verdict.js";
