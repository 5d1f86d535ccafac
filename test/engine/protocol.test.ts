import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { event, request } from "../../src/engine/protocol.js";
import { decodeEvent } from "../../src/engine/worker/decode.js";
import { packageRoot } from "../../src/files/index.js";

const fixtures = join(packageRoot(), "test", "fixtures", "protocol");

/** Every line of every case of a folder, with a name for the report. */
function cases(verdict: "valid" | "invalid", side: "request" | "event"): [name: string, line: Buffer][] {
  const folder = join(fixtures, verdict, side);
  return readdirSync(folder)
    .filter((file) => file.endsWith(".ndjson"))
    .flatMap((file) =>
      splitLines(readFileSync(join(folder, file))).map((line, index): [string, Buffer] => [
        `${file}:${index + 1}`,
        line,
      ]),
    );
}

function splitLines(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let from = 0; from < bytes.length; ) {
    const end = bytes.indexOf(0x0a, from);
    lines.push(bytes.subarray(from, end === -1 ? bytes.length : end));
    from = end === -1 ? bytes.length : end + 1;
  }
  return lines;
}

function isRequest(line: Buffer): boolean {
  try {
    return request.safeParse(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(line))).success;
  } catch {
    return false;
  }
}

describe("the protocol's fixtures, shared with Python", () => {
  test.each(cases("valid", "request"))("valid request %s is accepted", (_, line) => {
    expect(request.safeParse(JSON.parse(line.toString())).error).toBeUndefined();
  });
  test.each(cases("invalid", "request"))("invalid request %s is refused", (_, line) => {
    expect(isRequest(line)).toBe(false);
  });
  test.each(cases("valid", "event"))("valid event %s is accepted and survives a round trip", (_, line) => {
    const decoded = decodeEvent(line);
    expect(decoded).toEqual({ ok: true, event: JSON.parse(line.toString()) });
  });
  test.each(cases("invalid", "event"))("invalid event %s is refused with a reason", (_, line) => {
    const decoded = decodeEvent(line);
    expect(decoded.ok ? "" : decoded.why).not.toBe("");
    expect(decoded.ok).toBe(false);
  });

  test("there is a valid case of every kind of message", () => {
    const seen = (side: "request" | "event"): Set<unknown> =>
      new Set(cases("valid", side).map(([, line]) => JSON.parse(line.toString()).type));
    expect(seen("request")).toEqual(new Set(request.options.map((option) => option.shape.type.value)));
    expect(seen("event")).toEqual(new Set(event.options.map((option) => option.shape.type.value)));
  });
});
