import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { refuseUnsafeGraph } from "../../src/inference/graphGuard.js";
import { OnnxPredictor } from "../../src/inference/predictor.js";

const FIXTURES = join("test", "fixtures", "onnx");
const fixture = (name: string): Buffer => readFileSync(join(FIXTURES, `${name}.onnx`));

/** A protobuf field that holds bytes. */
function field(number: number, value: string | Buffer, tag: (tag: number) => number[] = varint): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from(tag(number * 8 + 2)), Buffer.from(varint(bytes.length)), bytes]);
}

function varint(value: number): number[] {
  const bytes = [];
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push((value % 128) + 128);
  return [...bytes, value];
}

const graph = (...parts: Buffer[]): Buffer => field(7, Buffer.concat(parts));
const node = (type: string, ...more: Buffer[]): Buffer => field(1, Buffer.concat([field(4, type), ...more]));
const external = field(5, field(13, "elsewhere.bin"));

/** An attribute that holds a whole number, its fields in this order. */
const attribute = (name: string, value: number[], nameFirst = true): Buffer => {
  const fields = [field(1, name), Buffer.from([3 * 8, ...value])];
  return field(5, Buffer.concat(nameFirst ? fields : fields.reverse()));
};
const NEGATIVE = [255, 255, 255, 255, 255, 255, 255, 255, 255, 1];

describe("a graph from a stranger", () => {
  test.each(["linear", "trees", "one_output", "lstm", "mixed"])("is allowed where it only computes: %s", (name) => {
    expect(() => refuseUnsafeGraph(fixture(name), name)).not.toThrow();
  });

  test("that loops for ever is refused before it runs", async () => {
    const opening = OnnxPredictor.open(fixture("loop"), ["a", "b", "c", "d"]);
    await expect(opening).rejects.toMatchObject({
      code: "bundle.unsafe_graph",
      exitCode: 2,
      message: expect.stringContaining("operator Loop"),
    });
  });

  test.each([
    ["a branch", graph(node("If")), /operator If/],
    ["a scan", graph(node("Add"), node("Scan")), /operator Scan/],
    ["a map over a sequence", graph(node("SequenceMap")), /SequenceMap/],
    ["a graph within any operator", graph(node("Add", field(5, field(6, "")))), /graph within/],
    ["a list of graphs within an operator", graph(node("Add", field(5, field(11, "")))), /graph within/],
    ["an operator of another domain", graph(node("BeamSearch", field(7, "com.microsoft"))), /"com\.microsoft"/],
    ["functions of its own", Buffer.concat([graph(node("Add")), field(25, field(1, "mine"))]), /functions of its own/],
    ["a weight in another file", graph(external), /other files/],
    ["a constant in another file", graph(node("Constant", field(5, field(5, field(13, "x"))))), /other files/],
    ["a place of data that is not the file", graph(field(5, Buffer.from([14 * 8, 1]))), /other files/],
    ["a second graph", Buffer.concat([graph(node("Add")), graph(node("Loop"))]), /operator Loop/],
    ["a second type of an operator", graph(node("Add", field(4, "Loop"))), /operator Loop/],
    ["a state of a billion values", graph(node("LSTM", attribute("hidden_size", varint(2 ** 30)))), /recurrent layer/],
    ["a state above the limit", graph(node("GRU", attribute("hidden_size", varint(16_385)))), /at most 16384/],
    ["a state of less than nothing", graph(node("RNN", attribute("hidden_size", NEGATIVE))), /recurrent layer/],
    [
      "a state whose size stands before its name",
      graph(node("LSTM", attribute("hidden_size", varint(2 ** 30), false))),
      /recurrent layer/,
    ],
    [
      "a state whose size stands before the operator's type",
      graph(field(1, Buffer.concat([attribute("hidden_size", varint(2 ** 30)), field(4, "LSTM")]))),
      /recurrent layer/,
    ],
    [
      "a state whose size is given twice",
      graph(
        node(
          "LSTM",
          field(
            5,
            Buffer.concat([field(1, "hidden_size"), Buffer.from([24, 4]), Buffer.from([24, ...varint(2 ** 30)])]),
          ),
        ),
      ),
      /recurrent layer/,
    ],
    [
      "a type whose length is written in more bytes than it needs",
      graph(field(1, Buffer.from("\x22\x84\x80\x00Loop", "latin1"))),
      /operator Loop/,
    ],
  ])("is refused for %s", (_, bytes, message) => {
    expect(() => refuseUnsafeGraph(bytes, "model.onnx")).toThrow(
      expect.objectContaining({ code: "bundle.unsafe_graph", message: expect.stringMatching(message) }),
    );
  });

  test("may have a state of the largest size, and other numbers of any", () => {
    const state = attribute("hidden_size", varint(16_384));
    expect(() => refuseUnsafeGraph(graph(node("LSTM", state)), "model.onnx")).not.toThrow();
    const axis = attribute("axis", NEGATIVE);
    expect(() => refuseUnsafeGraph(graph(node("Softmax", axis)), "model.onnx")).not.toThrow();
  });

  test("is none where a field's number has bits that other readers drop", () => {
    const hidden = field(7, node("Loop"), (tag) => varint(tag + 2 ** 32));
    expect(() => refuseUnsafeGraph(hidden, "model.onnx")).toThrow(
      expect.objectContaining({ code: "bundle.bad_graph" }),
    );
  });

  test("is read in time that grows with its bytes, and any bytes are either a graph or refused", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          refuseUnsafeGraph(bytes, "model.onnx");
        } catch (error) {
          expect(error).toMatchObject({ code: expect.stringMatching(/^bundle\.(unsafe|bad)_graph$/) });
        }
      }),
    );
  });
});
