import { availableParallelism, totalmem } from "node:os";
import type { DuckDBConnection } from "@duckdb/node-api";
import { asWriteError } from "../files/index.js";
import { duckdbApi } from "./native.js";

export interface DuckDBOptions {
  /** Folder where intermediate data may go when memory is short; without it nothing is spilled. */
  spill?: string;
}

/**
 * One connection of a private in-memory DuckDB. Bounded memory and threads; no extension is ever installed or loaded
 * from elsewhere. Call `close` when done.
 */
export async function openDuckDB(
  options: DuckDBOptions = {},
): Promise<{ connection: DuckDBConnection; close: () => void }> {
  const instance = await duckdbApi().DuckDBInstance.create(":memory:", {
    threads: String(Math.min(4, availableParallelism())),
    memory_limit: `${Math.max(512, Math.min(4096, Math.floor(totalmem() / 2 ** 21)))}MiB`,
    temp_directory: options.spill ?? "",
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
    allow_community_extensions: "false",
  });
  try {
    const connection = await instance.connect();
    const close = (): void => {
      connection.closeSync();
      instance.closeSync();
    };
    // The default of 1 MB holds less than one chunk of a wide table, so decoding would wait for us at every chunk; a much
    // larger one is filled before the first chunk is handed out, and then we wait.
    await connection.run("SET streaming_buffer_size = '16MB'");
    return { connection, close };
  } catch (cause) {
    instance.closeSync();
    throw cause;
  }
}

/** Runs `work` on a connection of its own and closes it. */
export async function withDuckDB<T>(
  work: (connection: DuckDBConnection) => Promise<T>,
  options: DuckDBOptions = {},
): Promise<T> {
  const { connection, close } = await openDuckDB(options);
  try {
    return await work(connection);
  } finally {
    close();
  }
}

/** DuckDB takes the names of files to read as glob patterns; a bracket makes each special character stand for itself. */
export function escapeGlob(path: string): string {
  return path.replace(/[*?[]/g, "[$&]");
}

export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A full disk or a missing permission as `io.write_failed`; whatever else went wrong stays what it is. */
export function asDuckDBWriteError(path: string, cause: unknown): unknown {
  const ofDisk =
    cause instanceof Error &&
    ("syscall" in cause || /^(IO|Out of Memory|TransactionContext) Error/.test(cause.message));
  return ofDisk ? asWriteError(path, cause) : cause;
}
