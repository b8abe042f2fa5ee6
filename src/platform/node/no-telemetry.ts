// Imported before ONNX Runtime, which reads this when it is loaded: nothing here talks to any host.
process.env.ORT_DISABLE_TELEMETRY ??= "1";
