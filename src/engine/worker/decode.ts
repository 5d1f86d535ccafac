import { type EngineEvent, event } from "../protocol.js";

export type Decoded = { ok: true; event: EngineEvent } | { ok: false; why: string };

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** One line of a worker's output, checked against the protocol's schema. */
export function decodeEvent(line: Uint8Array): Decoded {
  let value: unknown;
  try {
    value = JSON.parse(utf8.decode(line));
  } catch (cause) {
    return { ok: false, why: cause instanceof Error ? cause.message : String(cause) };
  }
  const parsed = event.safeParse(value);
  if (parsed.success) return { ok: true, event: parsed.data };
  const why = parsed.error.issues.map((issue) => `${issue.path.join(".") || "message"}: ${issue.message}`).join("; ");
  return { ok: false, why };
}

/** Enough of a line to recognise it in an error message. */
export function excerpt(line: Uint8Array): string {
  const text = Buffer.from(line.buffer, line.byteOffset, Math.min(line.byteLength, 200)).toString("utf8");
  return line.byteLength > 200 ? `${text}…` : text;
}
