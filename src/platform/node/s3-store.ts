import { randomUUID } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import type { S3 } from "@aws-sdk/client-s3";
import { PushforwardError } from "../../base/index.ts";
import { type ByteRange, type Key, partOf, type Store } from "../../results/index.ts";
import { nameOf, statusOf, unreadableObject, unwritableObject } from "./s3-errors.ts";

/** Objects whose last name starts with this are those of `honoursCreate`, and no keys of the store. */
const PROBE = ".probe-";

/** The metadata of an object that says which call of `create` made it. */
const CREATION = "pushforward-creation";

/** How often a request is sent at most, unless AWS_MAX_ATTEMPTS says it: for half a minute or so, which outlasts a short outage. */
const ATTEMPTS = 10;

/** Requests under way at most. */
const MOST_SOCKETS = 256;

/** How often `create` asks again while the server is busy with the same key. */
const CONFLICTS = 8;

/**
 * Objects on S3, or on another server that speaks its language, as a store: `s3://bucket/prefix`.
 *
 * Credentials, region and the address of the server come from where all programs for AWS look for them: the environment, the files in
 * `~/.aws`, the machine. The SDK is loaded with the first request.
 *
 * An object is written by one request, completely or not at all. `create` lets the server refuse what is there (`If-None-Match: *`), which
 * not every server does: `honoursCreate`.
 */
export class S3Store implements Store {
  readonly location: string;
  readonly #bucket: string;
  /** What stands before the keys: nothing, or names that end without `/`. */
  readonly #prefix: string;
  #opened: Promise<S3> | undefined;

  /** @throws PushforwardError `usage` if the address is malformed */
  constructor(address: string) {
    const [, bucket = "", rest = ""] = /^s3:\/\/([^/]*)\/?(.*)$/su.exec(address) ?? [];
    const prefix = rest.replace(/\/$/, "");
    if (!isBucket(bucket)) {
      throw refused(
        address,
        bucket === "" ? "This address of a store names no bucket." : `"${bucket}" is not the name of a bucket.`,
        "The address is s3://BUCKET/PREFIX. The name of a bucket has 3 to 63 small letters, digits, dots and hyphens.",
      );
    }
    if (prefix !== "" && !isPath(prefix)) {
      throw refused(
        address,
        `"${prefix}" cannot stand before the names of objects.`,
        "Give names joined by one / each, as in s3://bucket/runs/first. `.` and `..` are no names, nor are control characters.",
      );
    }
    this.#bucket = bucket;
    this.#prefix = prefix;
    this.location = `s3://${bucket}${prefix === "" ? "" : `/${prefix}`}`;
  }

  async get(key: Key): Promise<Uint8Array | undefined> {
    return this.#read(key);
  }

  async getRange(key: Key, range: ByteRange): Promise<Uint8Array | undefined> {
    return this.#read(key, range);
  }

  async has(key: Key): Promise<boolean> {
    return (await this.#head(key)) !== undefined;
  }

  async *list(prefix: Key): AsyncIterable<Key> {
    const below = this.#object(prefix).Key;
    let ContinuationToken: string | undefined;
    do {
      const page = await (await this.#s3())
        .listObjectsV2({ Bucket: this.#bucket, Prefix: below, ContinuationToken })
        .catch((cause: unknown) => {
          throw unreadableObject(`${this.location}${prefix}`, cause);
        });
      for (const { Key: name = "" } of page.Contents ?? []) {
        const isMark = name.endsWith("/") || name.slice(name.lastIndexOf("/") + 1).startsWith(PROBE); // `/`: a folder in a console
        if (!isMark) yield `${prefix}${name.slice(below.length)}`;
      }
      ContinuationToken = page.NextContinuationToken;
    } while (ContinuationToken !== undefined);
  }

  async set(key: Key, value: Uint8Array): Promise<void> {
    const object = this.#object(key);
    try {
      await (await this.#s3()).putObject({ ...object, Body: value });
    } catch (cause) {
      throw unwritableObject(`${this.location}${key}`, cause);
    }
  }

  async create(key: Key, value: Uint8Array): Promise<boolean> {
    const object = this.#object(key);
    const creation = randomUUID();
    for (let conflicts = 0; ; conflicts++) {
      try {
        const s3 = await this.#s3();
        await s3.putObject({ ...object, Body: value, IfNoneMatch: "*", Metadata: { [CREATION]: creation } });
        return true;
      } catch (cause) {
        // What is there may be from this very call: the answer to a request that succeeded was lost, and the request repeated.
        if (statusOf(cause) === 412) return (await this.#head(key))?.[CREATION] === creation;
        const isBusy = nameOf(cause) === "ConditionalRequestConflict" && conflicts < CONFLICTS;
        if (!isBusy) throw unwritableObject(`${this.location}${key}`, cause);
        await setTimeout(Math.random() * 25 * 2 ** conflicts);
      }
    }
  }

  async delete(key: Key): Promise<void> {
    const object = this.#object(key);
    try {
      await (await this.#s3()).deleteObject(object);
    } catch (cause) {
      if (statusOf(cause) !== 404 || nameOf(cause) === "NoSuchBucket") {
        throw unwritableObject(`${this.location}${key}`, cause);
      }
    }
  }

  /**
   * Whether the server refuses to create what is there. Some take the condition of a request for nothing and overwrite; then programs that
   * share the store would lose each other's work.
   *
   * @throws PushforwardError `store-unwritable`, also where the server does not know such requests
   */
  async honoursCreate(): Promise<boolean> {
    const key: Key = `/${PROBE}${randomUUID()}`;
    try {
      const isFirst = await this.create(key, Uint8Array.of(1));
      return isFirst && !(await this.create(key, Uint8Array.of(2)));
    } finally {
      await this.delete(key).catch(() => undefined); // An error of `create` says more.
    }
  }

  async #read(key: Key, range?: ByteRange): Promise<Uint8Array | undefined> {
    const object = this.#object(key);
    try {
      const s3 = await this.#s3();
      const { Body, ContentRange } = await s3.getObject({ ...object, ...(range && { Range: rangeHeader(range) }) });
      const bytes = Uint8Array.from((await Body?.transformToByteArray()) ?? []);
      return range === undefined || ContentRange !== undefined ? bytes : partOf(bytes, range); // Some servers give all.
    } catch (cause) {
      if (nameOf(cause) === "NoSuchKey") return undefined;
      if (range !== undefined && statusOf(cause) === 416) return new Uint8Array(); // It begins behind the end.
      throw unreadableObject(`${this.location}${key}`, cause);
    }
  }

  /** The metadata of an object, if there is one. */
  async #head(key: Key): Promise<Record<string, string> | undefined> {
    const object = this.#object(key);
    try {
      return (await (await this.#s3()).headObject(object)).Metadata ?? {};
    } catch (cause) {
      if (statusOf(cause) === 404) return undefined;
      throw unreadableObject(`${this.location}${key}`, cause);
    }
  }

  #object(key: Key): { readonly Bucket: string; readonly Key: string } {
    const name = this.#prefix === "" ? key.slice(1) : `${this.#prefix}${key}`;
    const isInside = key === "/" || isPath(key.slice(1).replace(/\/$/, ""));
    if (isInside) return { Bucket: this.#bucket, Key: name };
    throw new PushforwardError("usage", { what: `"${key}" leads out of the store.`, where: { file: this.location } });
  }

  #s3(): Promise<S3> {
    this.#opened ??= open();
    return this.#opened;
  }
}

async function open(): Promise<S3> {
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true"; // It speaks of versions that are not installed.
  const { S3 } = await import("@aws-sdk/client-s3"); // slow to load, and needed by few commands
  const { AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, AWS_MAX_ATTEMPTS } = process.env;
  return new S3({
    // Servers other than Amazon's seldom have a host name for each bucket.
    forcePathStyle: (AWS_ENDPOINT_URL_S3 ?? AWS_ENDPOINT_URL) !== undefined,
    // Checksums that nobody asked for are refused by some servers.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    requestHandler: { httpAgent: { maxSockets: MOST_SOCKETS }, httpsAgent: { maxSockets: MOST_SOCKETS } },
    ...(AWS_MAX_ATTEMPTS === undefined && { maxAttempts: ATTEMPTS }),
  });
}

const rangeHeader = (range: ByteRange): string =>
  "offset" in range ? `bytes=${range.offset}-${range.offset + range.length - 1}` : `bytes=-${range.suffixLength}`;

const isBucket = (name: string): boolean => /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name) && !name.includes("..");

const isPath = (path: string): boolean =>
  !/\p{Control}/u.test(path) && path.split("/").every((name) => !["", ".", ".."].includes(name));

const refused = (address: string, what: string, fix: string): PushforwardError =>
  new PushforwardError("usage", { what, where: { file: address }, fix });
