export * from "./generate.js";
export {
  DEMO_BAR_MINUTES,
  DEMO_PARAMETERS,
  DEMO_SYMBOLS,
  type DemoBarLength,
  type DemoProcess,
  type DemoState,
  type DemoSymbol,
} from "./process.js";
export { DEMO_SESSIONS } from "./schedule.js";
export * from "./write.js";
