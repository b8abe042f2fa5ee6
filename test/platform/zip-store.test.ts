import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { openZip } from "../../src/platform/web/zip-store.ts";
import { describeReadOnly } from "../conformance/store.ts";
import { hasXarray, python } from "../support/python.ts";
import { zipOf } from "../support/zip.ts";

describeReadOnly("a ZIP archive", async (contents) =>
  openZip(zipOf(Object.entries(contents).map(([key, bytes]) => [`run${key}`, bytes]))),
);

const one = zipOf([["run/zarr.json", new TextEncoder().encode("{}".repeat(100))]]);

describe("refuses", () => {
  test.each([
    { what: "something else", bytes: new TextEncoder().encode("no archive") },
    { what: "nothing", bytes: new Uint8Array(0) },
    { what: "an archive that is cut short", bytes: one.slice(0, -30) },
  ])("$what", async ({ bytes }) => {
    await expect(openZip(bytes)).rejects.toMatchObject({
      code: "file-unreadable",
      what: "This is not a ZIP archive, or it is cut short.",
      where: { file: "archive.zip" },
    });
  });

  test("a file in it that is damaged, when it is read", async () => {
    const store = await openZip(one.with(45, one[45]! ^ 0xff));
    await expect(store.get("/zarr.json")).rejects.toMatchObject({
      code: "file-unreadable",
      what: expect.stringMatching(/^"run\/zarr\.json" in this archive is damaged \(/),
    });
  });
});

test.skipIf(!hasXarray())(
  "reads what Python packs, with and without compression, and with sizes of 64 bits",
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "pushforward-zip-"));
    const program = `
import zipfile
with zipfile.ZipFile("a.zip", "w") as z:
    z.writestr("run/stored", bytes(range(256)))
    z.writestr("run/packed", b"abc" * 1000, zipfile.ZIP_DEFLATED)
    with z.open("run/wide", "w", force_zip64=True) as f: f.write(b"wide" * 9)
`;
    try {
      await promisify(execFile)(python, ["-c", program], { cwd: folder });
      const store = await openZip(new Uint8Array(await readFile(join(folder, "a.zip"))));
      expect(await store.get("/stored")).toEqual(Uint8Array.from({ length: 256 }, (_, i) => i));
      expect(new TextDecoder().decode(await store.get("/packed"))).toBe("abc".repeat(1000));
      expect(new TextDecoder().decode(await store.get("/wide"))).toBe("wide".repeat(9));
    } finally {
      await rm(folder, { recursive: true });
    }
  },
);
