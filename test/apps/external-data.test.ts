import { symlink } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { externalReader } from "../../src/apps/node/external-data.ts";
import { createWorkplace, type Workplace } from "./workplace.ts";

let place: Workplace;

beforeAll(async () => {
  place = await createWorkplace({
    "blobs/1111": "model",
    "blobs/2222": "weights",
    "snapshots/abc/config.json": "{}",
    "plain/net.onnx": "model",
    "plain/net.data": "weights",
    "plain/more/net.data": "weights",
    "secret/key": "secret",
    "linked/README": "",
  });
  await symlink("../../blobs/1111", place.path("snapshots/abc/model.onnx"));
  await symlink("../../blobs/2222", place.path("snapshots/abc/model.onnx_data"));
  await symlink("../../secret/key", place.path("snapshots/abc/key"));
  await symlink("../secret/key", place.path("plain/key"));
  await symlink("../secret", place.path("plain/folder"));
  await symlink("../plain/net.onnx", place.path("linked/here.onnx"));
});
afterAll(() => place.remove());

const read = async (model: string, location: string, offset = 0, length?: number): Promise<string> =>
  new TextDecoder().decode(await externalReader(place.path(model))(location, offset, length));

describe("external data are read", () => {
  test("beside the model and below", async () => {
    expect(await read("plain/net.onnx", "net.data")).toBe("weights");
    expect(await read("plain/net.onnx", "more/net.data", 2, 3)).toBe("igh");
  });

  test("where the model and its data are links into one folder, as in the cache of a model hub", async () => {
    expect(await read("snapshots/abc/model.onnx", "model.onnx_data")).toBe("weights");
  });

  test("beside the file that the model is a link to", async () => {
    expect(await read("linked/here.onnx", "net.data")).toBe("weights");
  });

  test("as far as they go, without room for what is not there", async () => {
    expect(await read("plain/net.onnx", "net.data", 5, 2 ** 52)).toBe("ts");
    expect(await read("plain/net.onnx", "net.data", 100, 4)).toBe("");
    expect(await read("plain/net.onnx", "net.data", 100)).toBe("");
  });
});

describe("external data are refused", () => {
  test.each([
    ["plain/net.onnx", "key"],
    ["plain/net.onnx", "folder/key"],
    ["snapshots/abc/model.onnx", "key"],
    ["snapshots/abc/model.onnx", "../../secret/key"],
  ])("of %s behind %s, which leads elsewhere", async (model, location) => {
    await expect(read(model, location)).rejects.toThrow("it leads out of the model's folder");
  });

  test("where a folder has their name", async () => {
    await expect(read("plain/net.onnx", "more", 0, 4)).rejects.toMatchObject({
      code: "file-unreadable",
      what: "This is a folder, not a file.",
    });
  });

  test("where they are not there", async () => {
    await expect(read("linked/here.onnx", "other.data")).rejects.toMatchObject({
      code: "file-unreadable",
      what: "There is no such file.",
    });
  });
});
