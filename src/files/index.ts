export * from "./atomic.js";
export * from "./failure.js";
export * from "./hash.js";
export * from "./npy.js";
export * from "./package.js";
export * from "./paths.js";
export * from "./process.js";
