export * from "./availability.js";
export { BUILTIN } from "./builtin.js";
export * from "./definition.js";
export * from "./plugins.js";
export * from "./registry.js";
