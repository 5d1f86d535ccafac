/** What the protocol's messages are made of. */
import { z } from "zod";

export const id = z.string().min(1).max(200);
export const path = z.string().min(1);
export const count = z.number().int().nonnegative();
export const positive = z.number().int().positive();
export const json = z.record(z.string(), z.unknown());
