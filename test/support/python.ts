import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const own = fileURLToPath(new URL("../../.venv/bin/python", import.meta.url));

/** The Python that tests run: `PUSHFORWARD_PYTHON`, else that of the repository's `.venv`, else the system's. */
export const python = process.env.PUSHFORWARD_PYTHON ?? (existsSync(own) ? own : "python3");

/** Whether it has what opens a run as labelled arrays. */
export function hasXarray(): boolean {
  try {
    execFileSync(python, ["-c", "import xarray, zarr; assert zarr.__version__ >= '3'"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** What a skipped test says of its reason. */
export const withoutXarray = "skipped: no Python with xarray and zarr 3, see PUSHFORWARD_PYTHON";

/** Whether it has ONNX's own schemas. */
export function hasOnnx(): boolean {
  try {
    execFileSync(python, ["-c", "import onnx.defs"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** What a skipped test says of its reason. */
export const withoutOnnx = "skipped: no Python with onnx, see PUSHFORWARD_PYTHON";

/** Whether it has ONNX and ONNX Runtime, which check and run files. */
export function hasOnnxRuntime(): boolean {
  try {
    execFileSync(python, ["-c", "import onnx.checker, onnxruntime"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** What a skipped test says of its reason. */
export const withoutOnnxRuntime = "skipped: no Python with onnx and onnxruntime, see PUSHFORWARD_PYTHON";

/** Whether it has PyTorch. */
export function hasTorch(): boolean {
  try {
    execFileSync(python, ["-c", "import torch"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** What a skipped test says of its reason. */
export const withoutTorch = "skipped: no Python with PyTorch, see PUSHFORWARD_PYTHON";
