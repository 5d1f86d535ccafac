/** Runs the built command again and again in one process: `warm.ts` says what for, and how it stays the same thing. */
const [, , bin, entry] = process.argv;
// Each call listens to the streams and to the end of its process, of which there is but one here.
for (const emitter of [process, process.stdout, process.stderr]) emitter.setMaxListeners(0);

let calls = 0;
process.on("message", async ({ args, cwd }) => {
  process.chdir(cwd);
  process.argv = [process.execPath, bin, ...args];
  process.exitCode = undefined;
  // The entry module is evaluated anew for each call; what it imports, once.
  await import(`${entry}?call=${calls++}`);
  process.send(process.exitCode ?? 0);
});
process.on("disconnect", () => process.exit());
