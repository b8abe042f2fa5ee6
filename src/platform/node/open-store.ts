import { join } from "node:path";
import { PushforwardError } from "../../base/index.ts";
import type { Store } from "../../results/index.ts";
import { DirectoryStore } from "./directory-store.ts";
import { S3Store } from "./s3-store.ts";

/** Whether a location is not on the disk. */
export const isRemote = (location: string): boolean => location.startsWith("s3:");

/**
 * The store at a location that a user gives: a folder, or `s3://bucket/prefix`. Nothing is read or written yet.
 *
 * @throws PushforwardError `usage` if it is an address of something else, or a malformed one
 */
export const openStore = (location: string): Store =>
  isRemote(location) ? new S3Store(location) : new DirectoryStore(location);

/**
 * A store that several programs write to. A server must prove that of programs which create the same key one succeeds.
 *
 * @throws PushforwardError `store-unwritable` if the server does not see to that; and as `openStore`
 */
export async function openSharedStore(location: string): Promise<Store> {
  const store = openStore(location);
  if (!(store instanceof S3Store) || (await store.honoursCreate())) return store;
  throw new PushforwardError("store-unwritable", {
    what: "The server of this store overwrites an object where it was told to refuse (If-None-Match), so programs that share it could lose results.",
    where: { file: store.location },
    fix: "Use a server that honours conditional writes, or a folder that all machines see; or do all the work in one program, without --shard.",
  });
}

/** The location of what has a name in a store. */
export const within = (location: string, name: string): string =>
  isRemote(location) ? `${location.replace(/\/$/, "")}/${name}` : join(location, name);
