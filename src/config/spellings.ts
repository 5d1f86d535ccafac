import type { ModelDefinition } from "../models/index.js";
import { FoldwiseError } from "../types/index.js";
import type { Layer } from "./layers.js";
import { dotted, type Path, removeAt, setAt, valueAt } from "./tree.js";

export interface Modernised {
  layer: Layer;
  notices: string[];
  /** A device that an old spelling asks for (`gpu_hist`). */
  device: "cpu" | "cuda" | null;
}

/** Takes out a layer's keys that have no effect and rewrites old spellings; one notice each. */
export function modernise(definition: ModelDefinition, original: Layer): Modernised {
  const values = structuredClone(original.values);
  const notices: string[] = [];
  const movedFrom = new Map<string, Path>();
  let device: Modernised["device"] = null;

  for (const [key, why] of Object.entries(definition.ignoredKeys)) {
    const path = key.split(".");
    if (valueAt(values, path) === undefined) continue;
    removeAt(values, path);
    notices.push(`${original.from(path, "key")}: ${key} has no effect: ${why}.`);
  }
  for (const { key, value, to, device: asked } of definition.oldSpellings) {
    const path = key.split(".");
    const got = valueAt(values, path);
    if (got === undefined || (value !== undefined && got !== value)) continue;
    const place = original.from(path, "key");
    removeAt(values, path);
    if (asked !== undefined) device = asked;
    const was = value === undefined ? key : `${key}: ${value}`;
    if (to === null)
      notices.push(
        `${place}: ${was} is an old spelling${asked === undefined ? " of the default" : `: device ${asked} is asked for`}.`,
      );
    else if ("value" in to) {
      setAt(values, path, to.value);
      notices.push(
        `${place}: ${was} is an old spelling of ${String(to.value)}${asked === undefined ? "" : ` on device ${asked}`}.`,
      );
    } else {
      const target = to.key.split(".");
      if (valueAt(values, target) !== undefined) {
        throw new FoldwiseError("config.set_twice", `${place}: ${key} and ${to.key} mean the same.`, {
          remedy: `Keep ${to.key}.`,
        });
      }
      setAt(values, target, got);
      movedFrom.set(to.key, path);
      notices.push(`${place}: ${key} is named ${to.key} here.`);
    }
  }
  const from: Layer["from"] = (path, of) => original.from(movedFrom.get(dotted(path)) ?? path, of);
  return { layer: { ...original, values, from }, notices, device };
}
