import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { expect, it } from "vitest";
import { setAside, studiesFolder, studyFiles } from "../../../src/training/tuning/storage.js";
import { temporaryFolder } from "../../data/helpers.js";

it("studies lie beside the runs, unless a folder is named", () => {
  expect(studiesFolder("experiments/runs", undefined)).toBe(resolve("experiments/studies"));
  expect(studiesFolder("/data/mine/", undefined)).toBe("/data/studies");
  expect(studiesFolder("/data/mine", "elsewhere")).toBe(resolve("elsewhere"));
});

it("a job has a file and a folder there, and the folder of all is made", () => {
  const folder = join(temporaryFolder(), "a", "b");
  expect(studyFiles(folder, "lightgbm_MES_h20")).toEqual({
    db: join(folder, "lightgbm_MES_h20.db"),
    trials: join(folder, "lightgbm_MES_h20.trials"),
  });
  expect(readdirSync(folder)).toEqual([]);
  expect(() => studyFiles(folder, "../x")).toThrow();
});

it("a study is moved aside with all that belongs to it, however often, and nothing is lost", () => {
  const folder = temporaryFolder();
  const { db, trials } = studyFiles(folder, "x");
  mkdirSync(trials);
  writeFileSync(join(trials, "fold"), "kept");
  expect(setAside(db, "before")).toBeNull();
  const moved = ["first", "second", "third"].map((text, i) => {
    writeFileSync(db, text);
    if (i > 0) for (const rest of ["-journal", "-wal", "-shm"]) writeFileSync(`${db}${rest}`, `${text}${rest}`);
    return String(setAside(db, i === 2 ? "before" : "corrupt"));
  });
  expect(new Set(moved).size).toBe(3);
  for (const path of moved) expect(basename(path)).toMatch(/^x\.db\.(corrupt|before)-\d{8}_\d{6}(-\d+)?$/);
  const texts = moved.map((path) => readFileSync(path, "utf8"));
  expect(texts).toEqual(["first", "second", "third"]);
  for (const rest of ["-journal", "-wal", "-shm"]) {
    expect(moved.slice(1).map((path) => readFileSync(`${path}${rest}`, "utf8"))).toEqual([
      `second${rest}`,
      `third${rest}`,
    ]);
  }
  // Each with its three companions but the first, and the folds as they were.
  expect(readdirSync(folder)).toHaveLength(1 + 4 + 4 + 1);
  expect(readFileSync(join(trials, "fold"), "utf8")).toBe("kept");
});
