import { createBackend } from "../../src/platform/node/backend.ts";
import { describeBackend } from "../conformance/backend.ts";

describeBackend("ONNX Runtime on the CPU", async () => createBackend({ threads: 1 }));
