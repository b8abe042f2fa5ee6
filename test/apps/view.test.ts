import { once } from "node:events";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { serve } from "../../src/apps/cli/serve.ts";
import { servedFolder, servedSite } from "../../src/apps/cli/served.ts";
import { servedLive } from "../../src/apps/cli/served-live.ts";
import { addressesOf } from "../../src/apps/cli/view.ts";
import { FollowedRun } from "../../src/apps/progress/followed-run.ts";
import { Watch } from "../../src/apps/progress/watch.ts";
import { DirectoryStore } from "../../src/platform/node/directory-store.ts";
import { createRun } from "../../src/results/index.ts";
import { exampleManifest } from "../results/example-run.ts";

test("one folder is served at run/, and several by their names, of which equal ones are numbered", () => {
  expect(addressesOf([])).toEqual([]);
  expect(addressesOf(["any/where"])).toEqual(["run/"]);
  expect(addressesOf(["a/x y", "b/", "c/x y"])).toEqual(["run/x%20y/", "run/b/", "run/x%20y-2/"]);
});

describe("the server of pushforward view", () => {
  let folder: string;
  let port: number;
  const server = (token?: string) => {
    const watch = new Watch(new FollowedRun(new DirectoryStore(join(folder, "live"))));
    const live = servedLive(watch, servedFolder(join(folder, "live")), async () => "?run=live/");
    const places = { "/run/": servedFolder(join(folder, "run")), "/live/": live };
    return serve({ "/": servedSite(join(folder, "site")), ...places }, token);
  };
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
    await createRun(new DirectoryStore(join(folder, "live")), exampleManifest);
    await symlink(join(folder, "secret"), join(folder, "live/link"));
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
    for (const path of ["/run/nothing/c/0", "/run/nothing/zarr.json", "/run/sigma/c/0/x"]) {
      expect(await ask(path, { headers: absent })).toMatchObject({ status: 404 });
    }
  });

  /** The status of a request written byte by byte, as only an attacker writes it. */
  async function raw(lines: readonly string[]): Promise<number> {
    const socket = connect(port, "127.0.0.1");
    socket.write(`${lines.join("\r\n")}\r\n\r\n`);
    let text = "";
    for await (const part of socket) text += part;
    expect(text).not.toContain("secret");
    return Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1]);
  }
  const close = "Connection: close";
  const own = () => `Host: 127.0.0.1:${port}`;

  test.each([
    "/run/../../secret",
    "/run/%2e%2e/secret",
    "/run/%2E%2e/%2e%2E/secret",
    "/run/..%2fsecret",
    "/run/..%5csecret",
    "/run\\..\\..\\secret",
    "/run/%00",
    "/run/zarr.json%00.png",
    "/run/zarr.json#",
    "/#/../../secret",
    "//127.0.0.1/run/zarr.json",
    "http://127.0.0.1/run/zarr.json",
    "file:///etc/passwd",
    "run/zarr.json",
    "*",
    "/%ff",
    "/%",
    ...["events", "report/"].flatMap((route) => [
      `/live/${route}/../../secret`,
      `/live/../live/${route}`,
      `/live/%2e%2e/live/${route}`,
      `/live/${route}%2f..%2fzarr.json`,
      `/live/${route}..%5csecret`,
      `/live/${route}%00`,
      `/live\\${route}`,
      `/live/${route}#`,
      `http://127.0.0.1/live/${route}`,
      `//127.0.0.1/live/${route}`,
    ]),
  ])("refuses the target %s", async (target) => {
    expect(await raw([`GET ${target} HTTP/1.1`, own(), close])).toBe(400);
  });

  /** The status of a request whose answer may have no end: only its head is waited for. */
  async function head(lines: readonly string[]): Promise<number> {
    const socket = connect(port, "127.0.0.1");
    socket.write(`${lines.join("\r\n")}\r\n\r\n`);
    const [first] = (await once(socket, "data")) as [Buffer];
    socket.destroy();
    return Number(/^HTTP\/1\.1 (\d+)/.exec(first.toString())?.[1]);
  }

  describe.each(["/run/zarr.json", "/live/zarr.json", "/live/events", "/live/report/"])("%s", (path) => {
    const get = `GET ${path} HTTP/1.1`;

    test("is refused to other hosts, two hosts and none", async () => {
      expect(await head([get, own(), close])).toBe(200);
      expect(await head([get, `Host: localhost:${port}`, close])).toBe(200);
      for (const host of [
        "example.org",
        "127.0.0.1",
        `127.0.0.1:${port + 1}`,
        "127.0.0.1.example.org",
        `[::1]:${port}`,
      ]) {
        expect(await raw([get, `Host: ${host}`, close])).toBe(403);
      }
      expect(await raw([get, own(), "Host: example.org", close])).toBe(403);
      expect(await raw([get, own(), own(), close])).toBe(403);
      expect(await raw([get, close])).toBe(400);
    });

    test("is refused to pages of other sites", async () => {
      const asked = (...more: string[]) => head([get, own(), ...more, close]);
      expect(await asked(`Origin: http://127.0.0.1:${port}`)).toBe(200);
      for (const origin of [
        "null",
        "https://example.org",
        `http://127.0.0.1:${port + 1}`,
        `https://127.0.0.1:${port}`,
      ]) {
        expect(await asked(`Origin: ${origin}`)).toBe(403);
      }
      expect(await asked("Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors")).toBe(403);
      expect(await asked("Sec-Fetch-Site: same-site", "Sec-Fetch-Mode: cors")).toBe(403);
      expect(await asked("Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: cors")).toBe(200);
    });

    test("is only read, and no other site may read it", async () => {
      for (const method of ["PUT", "POST", "DELETE", "OPTIONS"]) {
        expect(await ask(path, { method })).toMatchObject({ status: 405, body: "" });
      }
      const { status, headers } = await ask(path, { method: "HEAD" });
      expect(status).toBe(200);
      expect(Object.keys(headers).filter((name) => name.startsWith("access-control"))).toEqual([]);
      expect(headers).toMatchObject({
        "cross-origin-resource-policy": "same-origin",
        "x-content-type-options": "nosniff",
      });
    });
  });

  test("a file of a run may do nothing in a browser, and a report runs one script", async () => {
    expect((await ask("/run/zarr.json")).headers).toMatchObject({
      "content-security-policy": "default-src 'none'; sandbox",
    });
    const { headers, body } = await ask("/live/report/");
    const policy = String(headers["content-security-policy"]);
    expect(policy.split("; ")).toContain(`script-src http://127.0.0.1:${port}/report.js`);
    expect(policy).toMatch(/^default-src 'none'; .*frame-ancestors 'none'$/);
    expect(body.match(/<script[^>]*>/g)).toEqual(['<script type="module" src="/report.js">']);
  });

  test.each([
    "/live/link",
    "/live/report",
    "/live/report/x",
    "/live/report/zarr.json",
    "/live/events/",
    "/live/events/x",
  ])("%s is nothing", async (path) => {
    expect(await ask(path)).toMatchObject({ status: 404, body: "" });
  });

  test("gives nothing without its token, if it has one", async () => {
    const guarded = server("a-token").listen(0, "127.0.0.1");
    await once(guarded, "listening");
    const before = port;
    port = (guarded.address() as AddressInfo).port;
    try {
      for (const path of [
        "/",
        "/run/zarr.json",
        "/?token=",
        "/?token=another",
        "/?token=a-toke",
        "/nothing",
        "/live/events",
        "/live/report/",
      ]) {
        expect(await ask(path)).toMatchObject({ status: 403, body: expect.stringContaining("it has a token") });
      }
      const first = await ask("/?token=a-token&run=run/");
      expect(first).toMatchObject({ status: 303, body: "", headers: { location: "/?run=run%2F" } });
      const [cookie] = first.headers["set-cookie"]!;
      expect(cookie).toMatch(/; HttpOnly; SameSite=Strict; Path=\/$/);
      const known = { cookie: `other=1; ${cookie!.split(";")[0]}` };
      expect(await ask("/", { headers: known })).toMatchObject({ status: 200, body: "<p>page</p>" });
      expect(await ask("/run/zarr.json", { headers: known })).toMatchObject({ status: 200, body: "{}" });
      expect(await ask("/", { headers: { cookie: `pushforward-${port}=a-tokem` } })).toMatchObject({ status: 403 });
    } finally {
      port = before;
      guarded.close();
    }
  });

  test.each([
    ["a file that is not there", "/run/c/1", {}, 404],
    ["a folder", "/run/c", {}, 404],
    ["a link that leads out", "/run/link", {}, 404],
    ["another host's name", "/", { host: "example.org" }, 403],
    ["writing", "/run/zarr.json", { method: "PUT" }, 405],
    ["removing", "/run/zarr.json", { method: "DELETE" }, 405],
    ["to say what it allows", "/run/zarr.json", { method: "OPTIONS" }, 405],
  ])("refuses %s", async (_what, path, options, status) => {
    expect(await ask(path, options)).toMatchObject({ status, body: "" });
  });
});
