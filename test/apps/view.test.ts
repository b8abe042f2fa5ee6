import { once } from "node:events";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { request } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { serveFolders } from "../../src/apps/cli/serve.ts";
import { addressesOf } from "../../src/apps/cli/view.ts";

test("one folder is served at run/, and several by their names, of which equal ones are numbered", () => {
  expect(addressesOf([])).toEqual([]);
  expect(addressesOf(["any/where"])).toEqual(["run/"]);
  expect(addressesOf(["a/x y", "b/", "c/x y"])).toEqual(["run/x%20y/", "run/b/", "run/x%20y-2/"]);
});

describe("the server of pushforward view", () => {
  let folder: string;
  let port: number;
  const server = () => serveFolders({ "/": join(folder, "site"), "/run/": join(folder, "run") });
  let running: ReturnType<typeof server>;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "view-"));
    for (const part of ["site", "run", "run/c"]) await mkdir(join(folder, part));
    await writeFile(join(folder, "site/index.html"), "<p>page</p>");
    await writeFile(join(folder, "site/index.html.gz"), gzipSync("<p>page</p>"));
    await writeFile(join(folder, "run/zarr.json"), "{}");
    await writeFile(join(folder, "run/c/0"), new Uint8Array([1, 2, 3]));
    await writeFile(join(folder, "secret"), "secret");
    for (const link of ["link", "zarr.json.gz"]) await symlink(join(folder, "secret"), join(folder, "run", link));
    running = server().listen(0, "127.0.0.1");
    await once(running, "listening");
    port = (running.address() as AddressInfo).port;
  });
  afterAll(async () => {
    running.close();
    await rm(folder, { recursive: true });
  });

  /** A request as it is, without the corrections of `fetch`. */
  async function ask(
    path: string,
    options: {
      method?: string;
      host?: string;
      encodings?: string;
      known?: string;
      headers?: Record<string, string>;
    } = {},
  ) {
    const { method = "GET", host = `127.0.0.1:${port}`, encodings = "identity", known = "" } = options;
    const headers = { host, "accept-encoding": encodings, "if-none-match": known, ...options.headers };
    const asked = request({ port, path, method, headers }).end();
    const [response] = await once(asked, "response");
    const parts: Buffer[] = [];
    for await (const part of response) parts.push(part);
    const bytes = Buffer.concat(parts);
    return { status: response.statusCode, headers: response.headers, bytes, body: bytes.toString() };
  }

  test("serves the page, with the headers that threads need", async () => {
    const { status, headers, body } = await ask("/");
    expect({ status, body }).toEqual({ status: 200, body: "<p>page</p>" });
    expect(headers).toMatchObject({
      "content-type": "text/html; charset=utf-8",
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-embedder-policy": "require-corp",
    });
  });

  test("sends a file compressed where it lies so beside itself and the browser takes it", async () => {
    const { headers, bytes } = await ask("/", { encodings: "gzip, deflate, br" });
    expect(headers).toMatchObject({ "content-encoding": "gzip", "content-type": "text/html; charset=utf-8" });
    expect(gunzipSync(bytes).toString()).toBe("<p>page</p>");
    expect((await ask("/")).headers["content-encoding"]).toBeUndefined();
    expect(await ask("/run/zarr.json", { encodings: "gzip" })).toMatchObject({ body: "{}" }); // A link leads out.
  });

  test("sends a file again only if it has changed", async () => {
    const { etag } = (await ask("/")).headers;
    expect(await ask("/", { known: etag! })).toMatchObject({ status: 304, body: "" });
    expect(await ask("/", { known: etag!, encodings: "gzip" })).toMatchObject({ status: 200 });
    await writeFile(join(folder, "site/index.html"), "<p>a new page</p>");
    expect(await ask("/", { known: etag! })).toMatchObject({ status: 200, body: "<p>a new page</p>" });
    await writeFile(join(folder, "site/index.html"), "<p>page</p>");
  });

  test("serves the files of a run below its address, and the chunks among them as bytes", async () => {
    expect(await ask("/run/zarr.json")).toMatchObject({ status: 200, body: "{}" });
    expect(await ask("/run/c/0")).toMatchObject({ status: 200, headers: { "content-length": "3" } });
    expect(await ask("/run/c/0", { method: "HEAD" })).toMatchObject({ status: 200, body: "" });
  });

  test("says to those who ask so that a chunk is empty, of an array that is there", async () => {
    await mkdir(join(folder, "run/sigma/c"), { recursive: true });
    await writeFile(join(folder, "run/sigma/zarr.json"), "{}");
    const absent = { "x-absent-chunk": "204" };
    for (const method of ["GET", "HEAD"]) {
      expect(await ask("/run/sigma/c/0/1", { headers: absent, method })).toMatchObject({ status: 204, body: "" });
    }
    expect(await ask("/run/sigma/c/0/1")).toMatchObject({ status: 404 });
    for (const path of ["/run/nothing/c/0", "/run/nothing/zarr.json", "/run/sigma/c/0/x", "/run/../secret/c/0"]) {
      expect(await ask(path, { headers: absent })).toMatchObject({ status: 404 });
    }
  });

  test.each([
    ["a file that is not there", "/run/c/1", {}, 404],
    ["a folder", "/run/c", {}, 404],
    ["a file above the folders", "/run/../../secret", {}, 404],
    ["the same, written in code", "/run/%2e%2e/secret", {}, 404],
    ["the same, with a coded slash", "/run/..%2fsecret", {}, 404],
    ["a link that leads out", "/run/link", {}, 404],
    ["an address that is none", "/%ff", {}, 404],
    ["another host's name", "/", { host: "example.org" }, 403],
    ["writing", "/run/zarr.json", { method: "PUT" }, 405],
    ["removing", "/run/zarr.json", { method: "DELETE" }, 405],
  ])("refuses %s", async (_what, path, options, status) => {
    expect(await ask(path, options)).toMatchObject({ status, body: "" });
  });
});
