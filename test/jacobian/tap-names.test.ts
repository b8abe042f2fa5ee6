import { expect, test } from "vitest";
import { type Nameable, tapNames } from "../../src/jacobian/tap-names.ts";

const tap = (tensor: string, stem: string, module?: string, more: Partial<Nameable> = {}): Nameable => ({
  ...{ tensor, stem, module, isEnd: false, isResult: false },
  ...more,
});

test("names that someone gave stay, and names that an exporter made are replaced", () => {
  const taps = [
    tap("picture", "input", undefined, { isEnd: true }),
    tap("/conv1/Conv_output_0", "conv", "conv1", { isResult: true }),
    tap("getitem_348", "layernormalization", "layer.0", { isResult: true }),
    tap("val_1435", "matmul", "layer.0.attn"),
    tap("softmax_3", "softmax", "layer.0.attn"),
    tap("val_1440", "matmul", "layer.0.attn"),
    tap("add_4", "add"),
    tap("getitem_7", "split"),
    tap("/Mul_output_0", "mul"),
    tap("logits", "gemm", "head", { isEnd: true, isResult: true }),
    tap("getitem_8", "batchnormalization", "bn", { isEnd: true, isResult: true }),
    tap("val_9", "gemm", undefined, { isEnd: true, isResult: true }),
    tap("val", "gemm", undefined, { isEnd: true, isResult: true }),
  ];
  expect(tapNames(taps)).toEqual([
    ...["picture", "conv1", "layer.0", "layer.0.attn.matmul1", "layer.0.attn.softmax", "layer.0.attn.matmul2"],
    ...["add_4", "split1", "mul1", "logits", "bn", "gemm1", "val"],
  ]);
});

test("no two taps have one name", () => {
  const taps = [
    tap("conv1", "input", undefined, { isEnd: true }),
    tap("/conv1/Conv_output_0", "conv", "conv1", { isResult: true }),
    tap("conv2", "conv"),
    tap("45", "conv"),
    tap("conv1.conv", "relu"),
  ];
  const names = tapNames(taps);
  expect(new Set(names).size).toBe(taps.length);
  expect(names[0]).toBe("conv1");
});
