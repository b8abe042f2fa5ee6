import { symlink } from "node:fs/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { findInputs } from "../../src/apps/node/find-inputs.ts";
import { isArrayFile } from "../../src/apps/node/load-input.ts";
import { createWorkplace, type Workplace } from "./workplace.ts";

const pictures = { "in/a.PNG": "", "in/b.JPEG": "", "in/sub/c.jpg": "" };
const three = ["in/a.PNG", "in/b.JPEG", "in/sub/c.jpg"];

let place: Workplace;
beforeEach(async () => {
  place = await createWorkplace(pictures);
  return () => place.remove();
});

/** The files found, from the workplace's folder. */
async function found(paths: readonly string[] = ["in"], out?: string): Promise<string[]> {
  const inputs = await findInputs(
    paths.map((path) => place.path(path)),
    out === undefined ? undefined : place.path(out),
  );
  return inputs.map(({ file }) => file.slice(place.folder.length + 1));
}

test("pictures and arrays of a folder, with any case of their endings, sorted", async () => {
  for (const name of ["z.NPY", "y.npy", "n.Tiff", "notes.txt", "png"]) await place.put(`in/${name}`, "");
  expect(await found()).toEqual(["in/a.PNG", "in/b.JPEG", "in/n.Tiff", "in/sub/c.jpg", "in/y.npy", "in/z.NPY"]);
  expect(["x.npy", "X.NPY", "x.png"].map(isArrayFile)).toEqual([true, true, false]);
});

describe("left out of a folder", () => {
  test.each([
    { what: "companions that macOS writes", files: ["._a.PNG", ".DS_Store", "__MACOSX/a.PNG", "__MACOSX/sub/._c.jpg"] },
    { what: "names that begin with a dot", files: [".hidden.png", ".thumbnails/a.PNG", "sub/.cache/c.jpg"] },
    { what: "thumbnails of a network drive", files: ["@eaDir/a.PNG/SYNOPHOTO_THUMB_M.jpg"] },
    { what: "a Zarr store of version 3", files: ["run/zarr.json", "run/fig4.png", "run/sigma/zarr.json"] },
    { what: "a Zarr store of version 2", files: ["images.zarr/.zgroup", "images.zarr/first.png"] },
    { what: "studies", files: ["s/studies.html", "s/noise-spectra.png", "s/run/zarr.json", "s/noise/zarr.json"] },
  ])("$what", async ({ files }) => {
    for (const name of files) await place.put(`in/${name}`, "");
    expect(await found()).toEqual(three);
  });

  test("the folder for results, whatever is in it", async () => {
    await place.put("in/results/more/fig.png", "");
    expect(await found(["in"], "in/results")).toEqual(three);
    await symlink("in/results", place.path("out"));
    expect(await found(["in"], "out")).toEqual(three);
    expect(await found(["in"], "in/not-there-yet")).toEqual([
      "in/a.PNG",
      "in/b.JPEG",
      "in/results/more/fig.png",
      three[2],
    ]);
  });
});

test("a folder that is called like a picture is a folder", async () => {
  await place.put("in/cat.jpg/z.png", "");
  expect(await found()).toEqual([...three.slice(0, 2), "in/cat.jpg/z.png", three[2]]);
});

describe("links", () => {
  test.each([
    { to: ".", at: "in/self" },
    { to: "..", at: "in/up" },
    { to: "/", at: "in/root" },
    { to: "../sub", at: "in/sub/again" },
    { to: "sub", at: "in/another-name" },
    { to: "a.PNG", at: "in/0-first.png" },
  ])("to $to at $at adds nothing", async ({ to, at }) => {
    await symlink(to, place.path(at));
    expect(await found()).toEqual(three);
  });

  test("to a folder and to a file elsewhere are followed once", async () => {
    await place.put("elsewhere/d.png", "");
    await place.put("blobs/5f3a", "");
    await symlink("../elsewhere", place.path("in/linked"));
    await symlink("../elsewhere", place.path("in/again"));
    await symlink("../blobs/5f3a", place.path("in/x.png"));
    await symlink("../in", place.path("elsewhere/back"));
    expect(await found()).toEqual(["in/a.PNG", "in/again/d.png", "in/b.JPEG", "in/sub/c.jpg", "in/x.png"]);
  });

  test("that lead nowhere stay, to be reported", async () => {
    await symlink("nowhere.png", place.path("in/dead.png"));
    await symlink("round.png", place.path("in/round.png"));
    await symlink("nowhere", place.path("in/dead"));
    expect(await found()).toEqual(["in/a.PNG", "in/b.JPEG", "in/dead.png", "in/round.png", "in/sub/c.jpg"]);
  });
});

test("what is named twice is taken once", async () => {
  await symlink("a.PNG", place.path("in/l.png"));
  expect(await found(["in/b.JPEG", "in/b.JPEG", "in"])).toEqual(["in/b.JPEG", "in/a.PNG", "in/sub/c.jpg"]);
  expect(await found(["in/l.png", "in/a.PNG"])).toEqual(["in/l.png"]);
});

test("what is named itself is taken, hidden or not", async () => {
  await place.put(".mine/.e.png", "");
  expect(await found([".mine/.e.png"])).toEqual([".mine/.e.png"]);
  await place.put(".mine/f.png", "");
  expect(await found([".mine"])).toEqual([".mine/f.png"]);
});

describe("refused", () => {
  let other: Workplace;
  beforeAll(async () => {
    other = await createWorkplace({ "run/zarr.json": "{}", "hidden/.a.png": "" });
  });
  afterAll(() => other.remove());

  test.each([
    { folder: "run", code: "usage", what: "This folder contains results, not pictures: it has a file zarr.json." },
    { folder: "hidden", code: "usage", what: expect.stringMatching(/^There is no picture or array in /) },
    { folder: "nowhere", code: "file-unreadable", what: "There is no such file." },
  ])("$folder", async ({ folder, code, what }) => {
    await expect(findInputs([other.path(folder)])).rejects.toMatchObject({ code, what });
  });

  test("what is neither file nor folder", async () => {
    await expect(findInputs(["/dev/null"])).rejects.toMatchObject({
      what: "This is neither a plain file nor a folder.",
    });
  });

  test("inputs in the very folder for results", async () => {
    await expect(found(["in"], "in")).rejects.toMatchObject({ code: "usage", where: { option: "--out" } });
  });
});
