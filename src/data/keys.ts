const MAX_DEPTH = 50;
/** `trainLoss` in TypeScript is `train_loss` in JSON, at every depth. What lies under `config` is the user's own and stays. */
const OPAQUE = new Set(["config"]);

export function keysToSnake(value: unknown): unknown {
  return mapKeys(value, (key) => key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
}

export function keysToCamel(value: unknown): unknown {
  return mapKeys(value, (key) => key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()));
}

/** Throws a RangeError for JSON that is nested deeper than any file of ours: to walk it would end in a stack overflow. */
export function requireShallow(json: unknown): void {
  let level: unknown[] = [json];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_DEPTH) throw new RangeError(`it is nested more than ${MAX_DEPTH} deep`);
    level = level.flatMap((value) => (typeof value === "object" && value !== null ? Object.values(value) : []));
  }
}

function mapKeys(value: unknown, rename: (key: string) => string): unknown {
  if (Array.isArray(value)) return value.map((item) => mapKeys(item, rename));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [rename(key), OPAQUE.has(key) ? item : mapKeys(item, rename)]),
  );
}
