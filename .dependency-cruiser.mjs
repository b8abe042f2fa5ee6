// The one table of who may enter where (docs/architecture.md). `base` is open to every room.
const mayImport = {
  base: [],
  onnx: [],
  caffe: ["onnx"],
  runtime: ["onnx"],
  operator: ["runtime"],
  autodiff: ["onnx"],
  svd: ["runtime", "operator"],
  jacobian: ["onnx", "autodiff", "runtime", "operator", "svd"],
  images: [],
  results: [],
  training: ["onnx", "autodiff", "runtime", "results"],
  theory: [],
  experiments: ["onnx", "runtime", "jacobian", "training", "theory", "dynamics", "results"],
  dynamics: ["jacobian"],
  search: ["onnx", "autodiff", "runtime", "jacobian", "svd", "theory", "training", "results"],
  checkup: ["onnx", "autodiff", "runtime", "operator", "svd", "jacobian", "results"],
  controls: ["onnx", "autodiff", "runtime", "jacobian"],
  studies: ["autodiff", "jacobian", "svd", "images", "results", "runtime", "operator", "training"],
  figures: ["results"],
  platform: ["onnx", "runtime", "images", "results"],
};
const hostRooms = "^src/(platform|apps)/";

const rooms = Object.entries(mayImport).map(([room, below]) => ({
  name: `room-${room}`,
  severity: "error",
  comment: `src/${room} sees only: ${["base", ...below].join(", ")}. Move the code down, or hand it in.`,
  from: { path: `^src/${room}/` },
  to: { path: "^src/", pathNot: `^src/(${[room, "base", ...below].join("|")})/` },
}));

export default {
  forbidden: [
    ...rooms,
    {
      name: "through-the-door",
      severity: "error",
      comment: "Enter another room by its index.ts only, so that its public names are all in one place.",
      from: { path: "^src/([^/]+)/" },
      to: { path: "^src/(?!apps|platform)[^/]+/", pathNot: ["^src/$1/", "/index\\.ts$"] },
    },
    {
      name: "no-host",
      severity: "error",
      comment: "Only platform/ and apps/ may touch Node or the browser: take what you need as an argument.",
      from: { path: "^src/", pathNot: hostRooms },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "no-host-packages",
      severity: "error",
      comment: "onnxruntime, sharp, the SDK of AWS, BullMQ and the like belong to platform/.",
      from: { path: "^src/", pathNot: hostRooms },
      to: { path: "node_modules/(onnxruntime|sharp|@aws-sdk|bullmq|ioredis)" },
    },
    {
      name: "no-circular",
      severity: "error",
      comment: "Break the cycle: one of the two files knows too much.",
      from: {},
      to: { circular: true },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    doNotFollow: { path: "node_modules" },
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "node", "default", "types"] },
  },
};
