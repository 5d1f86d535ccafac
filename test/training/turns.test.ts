/** The folds of a cross-validation take turns with the workers. */
import { describe, expect, it } from "vitest";
import { Turns } from "../../src/training/cv/turns.js";

/** Work that ends when it is told to, and writes down what happens. */
function work(name: string, log: string[]) {
  let end: (error?: Error) => void = () => {};
  const ended = new Promise<string>((resolve, reject) => {
    end = (error) => (error === undefined ? resolve(name) : reject(error));
  });
  const run = (): Promise<string> => {
    log.push(`${name} begins`);
    return ended;
  };
  return { run, end: (error?: Error) => end(error) };
}

describe("turns", () => {
  it("lets so many work at a time, first come, first served", async () => {
    const log: string[] = [];
    const turns = new Turns(2);
    const all = ["a", "b", "c", "d"].map((name) => work(name, log));
    const done = all.map(({ run }) => turns.take(run));
    expect(log).toEqual(["a begins", "b begins"]);
    all[1]!.end();
    await done[1];
    expect(log).toEqual(["a begins", "b begins", "c begins"]);
    for (const { end } of all) end();
    expect(await Promise.all(done)).toEqual(["a", "b", "c", "d"]);
    expect(log.at(-1)).toBe("d begins");
  });

  it("begins the next before whoever was at work goes on", async () => {
    const log: string[] = [];
    const turns = new Turns(1);
    const [first, second] = [work("first", log), work("second", log)];
    const goesOn = turns.take(first.run).then(() => log.push("first goes on"));
    const other = turns.take(second.run);
    first.end();
    await goesOn;
    second.end();
    await other;
    expect(log).toEqual(["first begins", "second begins", "first goes on"]);
  });

  it("lets none begin once one has failed, and those at work end", async () => {
    const log: string[] = [];
    const turns = new Turns(2);
    const [bad, good, waiting] = [work("bad", log), work("good", log), work("waiting", log)];
    const all = [bad, good, waiting].map(({ run }) => turns.take(run));
    const settled = Promise.allSettled(all);
    bad.end(new Error("no"));
    await expect(all[2]).rejects.toThrow("no");
    good.end();
    expect((await settled).map(({ status }) => status)).toEqual(["rejected", "fulfilled", "rejected"]);
    await expect(turns.take(waiting.run)).rejects.toThrow("no");
    expect(log).toEqual(["bad begins", "good begins"]);
  });
});
