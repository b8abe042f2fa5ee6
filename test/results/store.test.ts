import * as fs from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, test, vi } from "vitest";
import { DirectoryStore } from "../../src/platform/node/directory-store.ts";
import { MemoryStore } from "../../src/results/index.ts";
import { describeStore } from "../conformance/store.ts";

vi.mock("node:fs/promises", async (original) => {
  const actual = await original<typeof fs>();
  return { ...actual, rename: vi.fn(actual.rename), readFile: vi.fn(actual.readFile) };
});

const folder = await fs.mkdtemp(join(tmpdir(), "pushforward-store-"));
afterAll(() => fs.rm(folder, { recursive: true }));
let count = 0;
const fresh = () => join(folder, `${count++}`);

describeStore("MemoryStore", async () => new MemoryStore());
describeStore("DirectoryStore", async () => new DirectoryStore(fresh()));

describe("DirectoryStore", () => {
  beforeEach(() => void vi.clearAllMocks());

  test.each([
    { code: "ENOSPC", what: "The disk is full.", fix: /Make room/ },
    { code: "EDQUOT", what: "The disk quota is used up.", fix: /Make room/ },
    { code: "EACCES", what: "There is no permission to write here.", fix: /another folder/ },
    { code: "EROFS", what: "There is no permission to write here: the disk is read-only.", fix: /another folder/ },
    { code: "ELOOP", what: "The links on this path lead round in a circle.", fix: /link/ },
    { code: "ENAMETOOLONG", what: "A name on this path is longer than the file system allows.", fix: /shorter/ },
    { code: "EIO", what: "The disk reports a fault.", fix: /disk/ },
    { code: "EODD", what: "This cannot be written: EODD, as it happens.", fix: /another folder/ },
  ])("says what $code means, and leaves the old bytes whole", async ({ code, what, fix }) => {
    const store = new DirectoryStore(fresh());
    await store.set("/a/b", Uint8Array.of(1));
    vi.mocked(fs.rename).mockRejectedValueOnce(Object.assign(new Error(`${code}, as it happens`), { code }));
    await expect(store.set("/a/b", Uint8Array.of(2, 2))).rejects.toMatchObject({
      code: "store-unwritable",
      what,
      where: { file: join(store.location, "a", "b") },
      fix: expect.stringMatching(fix),
    });
    expect(await store.get("/a/b")).toEqual(Uint8Array.of(1));
    expect(await fs.readdir(join(store.location, "a"))).toEqual(["b"]); // no unfinished file is left
  });

  test("does not list what a killed writer left", async () => {
    const store = new DirectoryStore(fresh());
    await store.set("/a", Uint8Array.of(1));
    await fs.writeFile(join(store.location, ".unfinished-1-0-a"), "x");
    const keys: string[] = [];
    for await (const key of store.list("/")) keys.push(key);
    expect(keys).toEqual(["/a"]);
  });

  test("says so where a file stands in the place of a folder", async () => {
    const file = fresh();
    await fs.writeFile(file, "no folder");
    const store = new DirectoryStore(file);
    await expect(store.set("/a", Uint8Array.of(1))).rejects.toMatchObject({
      code: "store-unwritable",
      what: "There is a file where a folder must be.",
    });
    const unreadable = { code: "file-unreadable", what: /A run is a folder, but this is a file/, where: { file } };
    const refusal = { ...unreadable, what: expect.stringMatching(unreadable.what) };
    await expect(store.get("/a")).rejects.toMatchObject(refusal);
    await expect(store.has("/a")).rejects.toMatchObject(refusal);
  });

  test("says so where a file cannot be read", async () => {
    const store = new DirectoryStore(fresh());
    vi.mocked(fs.readFile).mockRejectedValueOnce(Object.assign(new Error("EACCES: denied"), { code: "EACCES" }));
    await expect(store.get("/a")).rejects.toMatchObject({
      code: "file-unreadable",
      what: "There is no permission to read this, or to enter a folder on the way to it.",
      where: { file: join(store.location, "a") },
    });
  });

  test("refuses keys that lead out of it", async () => {
    const store = new DirectoryStore(fresh());
    await expect(store.get("/../secret")).rejects.toMatchObject({ code: "usage" });
    await expect(store.set("/a/../../secret", Uint8Array.of(1))).rejects.toMatchObject({ code: "usage" });
  });
});
