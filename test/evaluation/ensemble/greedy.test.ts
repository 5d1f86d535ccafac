import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type GreedyStep, greedySelection, softVote } from "../../../src/evaluation/index.js";
import { type Answered, between, goldenRows, lossOf, market, refusal, softmax } from "./market.js";

const { y, bases } = goldenRows;
const settings = { rounds: 25, effectiveLabels: 160 };

/** Loss of the mean of these members, a base counted as often as it is named. */
function lossOfMembers(members: readonly number[], { y, bases }: Answered = goldenRows): number {
  const counts = bases.map((_, b) => members.filter((member) => member === b).length);
  return lossOf(y, softVote(bases, counts));
}
const membersOf = (path: readonly GreedyStep[]): number[] => path.map(({ base }) => base);
const alone = bases.map(({ p }) => lossOf(y, p));

describe("greedySelection", () => {
  it("tells the loss of the members after every step, and the weights are their shares", () => {
    const { paths, counts, weights, logLoss } = greedySelection(y, bases, settings);
    const members = membersOf(paths[0]!);
    expect(paths).toHaveLength(1);
    members.forEach((_, at) => {
      expect(paths[0]![at]!.logLoss).toBeCloseTo(lossOfMembers(members.slice(0, at + 1)), 12);
    });
    expect(weights).toEqual(counts.map((count) => count / members.length).map((share) => expect.closeTo(share, 12)));
    expect(logLoss).toBeCloseTo(paths[0]!.at(-1)!.logLoss, 12);
  });

  it.each([
    { of: "four bases, of which it begins with one", rows: goldenRows, beginning: 1 },
    {
      of: "noise, of which it begins with several",
      rows: market(300, { bases: 6, horizon: 1, seed: 2 }),
      beginning: 4,
    },
  ])("begins with the best bases, then adds what lowers the loss most, and ends when nothing does: $of", (given) => {
    const { rows, beginning } = given;
    const members = membersOf(greedySelection(rows.y, rows.bases, { rounds: 25, effectiveLabels: 100 }).paths[0]!);
    const own = rows.bases.map(({ p }) => lossOf(rows.y, p));
    const order = [...own.keys()].sort((a, b) => own[a]! - own[b]!);
    const beginnings = order.map((_, k) => lossOfMembers(order.slice(0, k + 1), rows));
    expect(beginnings.indexOf(Math.min(...beginnings)) + 1).toBe(beginning);
    expect(members.slice(0, beginning)).toEqual(order.slice(0, beginning));
    const best = (chosen: number[]): { base: number; loss: number } =>
      rows.bases
        .map((_, b) => ({ base: b, loss: lossOfMembers([...chosen, b], rows) }))
        .reduce((least, each) => (each.loss < least.loss ? each : least));
    expect(members.length).toBeGreaterThan(beginning);
    for (let at = beginning; at < members.length; at++) expect(members[at]).toBe(best(members.slice(0, at)).base);
    expect(members.length).toBeLessThan(25);
    expect(best(members).loss).toBeGreaterThanOrEqual(lossOfMembers(members, rows));
  });

  it("never has more members than rounds", () => {
    for (const rounds of [1, 2, 3, 4]) {
      const { paths, counts } = greedySelection(y, bases, { ...settings, rounds });
      expect(paths[0]!.length).toBeLessThanOrEqual(rounds);
      expect(counts.reduce((sum, count) => sum + count)).toBe(paths[0]!.length);
    }
    expect(greedySelection(y, bases, { ...settings, rounds: 1 }).counts).toEqual(
      alone.map((loss) => (loss === Math.min(...alone) ? 1 : 0)),
    );
  });

  it("is never worse than the best single base on its own rows", () => {
    const logit = fc.double({ min: -8, max: 8, noNaN: true });
    const rows = fc.integer({ min: 30, max: 40 }).chain((n) =>
      fc.record({
        labels: fc.array(fc.constantFrom(-1, 0, 1), { minLength: n, maxLength: n }),
        logits: fc.array(fc.array(logit, { minLength: 3 * n, maxLength: 3 * n }), { minLength: 2, maxLength: 5 }),
      }),
    );
    fc.assert(
      fc.property(rows, fc.integer({ min: 1, max: 12 }), ({ labels, logits }, rounds) => {
        // Of two classes at least, or nothing is fitted.
        const own = Int8Array.from([-1, 1, ...labels.slice(2)]);
        const some = logits.map((values, b) => ({ name: `${b}`, p: softmax(Float64Array.from(values)) }));
        const best = Math.min(...some.map(({ p }) => lossOf(own, p)));
        const { weights, logLoss } = greedySelection(own, some, { rounds, effectiveLabels: 30 });
        expect(logLoss).toBeLessThanOrEqual(best + 1e-12);
        expect(lossOf(own, softVote(some, weights))).toBeCloseTo(logLoss, 10);
      }),
    );
  });

  it("with bagging, draws halves of the bases by the seed, and does less harm on noise", () => {
    const bagging = { bags: 8, seed: 3 };
    const bagged = greedySelection(y, bases, { ...settings, bagging });
    expect(greedySelection(y, bases, { ...settings, bagging })).toEqual(bagged);
    expect(greedySelection(y, bases, { ...settings, bagging: { ...bagging, seed: 4 } })).not.toEqual(bagged);
    expect(bagged.paths).toHaveLength(8);
    for (const path of bagged.paths) expect(new Set(membersOf(path)).size).toBeLessThanOrEqual(2);
    expect(bagged.weights.reduce((sum, weight) => sum + weight)).toBeCloseTo(1, 12);

    const excess = { greedy: 0, bagged: 0 };
    for (const seed of [1, 2, 3, 4]) {
      const all = market(4_000, { bases: 10, horizon: 20, seed });
      const [fit, fresh] = [between(all, 0, 1_500), between(all, 1_520, 4_000)];
      const noise = { rounds: 25, effectiveLabels: 75 };
      const score = (options: Partial<Parameters<typeof greedySelection>[2]>): number =>
        lossOf(fresh.y, softVote(fresh.bases, greedySelection(fit.y, fit.bases, { ...noise, ...options }).weights));
      excess.greedy += score({});
      excess.bagged += score({ bagging: { bags: 10, seed } });
    }
    expect(excess.bagged).toBeLessThan(excess.greedy);
  });

  it("chooses nothing on fewer than 30 effective labels, and refuses settings that mean nothing", () => {
    const { weights, counts, paths, reason } = greedySelection(y, bases, { ...settings, effectiveLabels: 12 });
    expect({ weights, counts, paths }).toEqual({ weights: [0.25, 0.25, 0.25, 0.25], counts: [1, 1, 1, 1], paths: [] });
    expect(reason).toContain("12.0 effective labels");
    for (const rounds of [0, -1, 2.5, Number.NaN]) {
      expect(refusal(() => greedySelection(y, bases, { ...settings, rounds }))).toBe("config.bad_value");
    }
    const bagging = { bags: 0, seed: 1 };
    expect(refusal(() => greedySelection(y, bases, { ...settings, bagging }))).toBe("config.bad_value");
    expect(refusal(() => greedySelection(y, bases.slice(0, 1), settings))).toBe("config.too_few_bases");
  });
});
