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
    "formatFacts",
    "freshName",
    "inputsBehind",
    "int",
    "intTensor",
    "ints",
    "mainInput",
    "node",
    "nodesBehind",
    "normalize",
    "readAttributes",
    "readModel",
    "readTensor",
    "readsOf",
    "renameTensors",
    "subgraphsOf",
    "tensorOf",
    "text",
    "toNumbers",
    "valueInfo",
    "withoutWeights",
    "writeModel",
    "zeros",
  ]);
});
