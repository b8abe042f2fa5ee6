import { expect, test } from "vitest";
import * as room from "../../src/onnx/index.ts";

test("the public names of onnx", () => {
  expect(Object.keys(room).sort()).toEqual([
    "OPSET",
    "allNames",
    "buildModel",
    "castTo",
    "checkModel",
    "checkSameFunction",
    "filled",
    "float",
    "floatTensor",
    "freshName",
    "int",
    "intTensor",
    "ints",
    "node",
    "nodesBehind",
    "normalize",
    "readAttributes",
    "readModel",
    "readTensor",
    "readsOf",
    "renameTensors",
    "subgraphsOf",
    "text",
    "toNumbers",
    "valueInfo",
    "writeModel",
    "zeros",
  ]);
});
