import type { ChildProcess } from "node:child_process";
import { type EngineEvent, MAX_LINE_BYTES } from "../protocol.js";
import { decodeEvent, excerpt } from "./decode.js";
import { BYTE_LIMIT, FloodMeter, MESSAGE_LIMIT } from "./flood.js";
import { LineReader } from "./lines.js";
import type { EndReason } from "./state.js";
import { Tail } from "./tail.js";

export interface ChannelListeners {
  onEvent: (event: EngineEvent) => void;
  /** A line of what libraries print: the worker's standard error. */
  onPrinted: (line: string) => void;
  /** The output breaks a rule; nothing is told after that. */
  onFault: (reason: EndReason) => void;
}

export interface Channel {
  /**
   * Calls back when everything has been told that the worker had printed when it wrote the message that was read last. The
   * two pipes are read in any order, so at that message what was printed before it may still lie in the other one. The next
   * turn of the event loop reads that; where it brought anything, there may be more than one turn reads.
   */
  whenAllIsTold: (then: () => void) => void;
}

/** A library's thread that prints for ever holds no answer up for longer. */
const MAX_TURNS = 64;

/** Reads a worker's two outputs: messages from the one, what is printed from the other; both bounded in memory and rate. */
export function readOutput(child: ChildProcess, listeners: ChannelListeners): Channel {
  let faulty = false;
  const fault = (reason: EndReason): void => {
    if (faulty) return;
    faulty = true;
    listeners.onFault(reason);
  };
  const bytes = new FloodMeter(BYTE_LIMIT);
  const messages = new FloodMeter(MESSAGE_LIMIT);

  const message = (line: Buffer): void => {
    if (faulty) return;
    if (!messages.allows(1)) {
      fault({ kind: "flooded", what: `over ${MESSAGE_LIMIT.perSecond} messages a second` });
      return;
    }
    const decoded = decodeEvent(line);
    if (decoded.ok) listeners.onEvent(decoded.event);
    else fault({ kind: "protocol", why: `a line of its output is not a message: ${decoded.why}`, line: excerpt(line) });
  };
  const tooLong = (): void => fault({ kind: "flooded", what: `a line of more than ${MAX_LINE_BYTES} bytes` });
  const stdout = new LineReader(MAX_LINE_BYTES, message, tooLong);
  const printed = (line: Buffer): void => listeners.onPrinted(line.toString("utf8"));
  const stderr = new LineReader(Tail.MAX_LINE_BYTES, printed, printed);

  // After a fault both pipes are still drained, so that a worker that is to end does not stand blocked in a write.
  let chunksPrinted = 0;
  const into = (reader: LineReader) => (chunk: Buffer) => {
    if (reader === stderr) chunksPrinted++;
    if (faulty) return;
    if (bytes.allows(chunk.length)) reader.push(chunk);
    else fault({ kind: "flooded", what: `over ${BYTE_LIMIT.perSecond} bytes a second` });
  };
  child.stdout?.on("data", into(stdout));
  child.stderr?.on("data", into(stderr));
  // A message cut off by the worker's death is no message: its exit is what counts.
  child.stderr?.on("end", () => stderr.end());

  /** The rest of this turn, then whole turns until one brings nothing. */
  const readOn = (turns: number, before: number, then: () => void): void => {
    setImmediate(() => {
      const quiet = turns > 0 && chunksPrinted === before;
      if (!quiet && turns < MAX_TURNS) {
        readOn(turns + 1, chunksPrinted, then);
        return;
      }
      // The next job's lines are its own.
      stderr.end();
      then();
    });
  };
  return { whenAllIsTold: (then) => readOn(0, chunksPrinted, then) };
}
