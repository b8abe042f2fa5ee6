"""Checks exported derivatives in a folder with onnx.checker, runs them, and prints how far their products are from those given."""

import json
import sys
from pathlib import Path

import numpy
import onnx
import onnxruntime

folder = Path(sys.argv[1])
point = numpy.load(folder / "point.npy")
sides = {"jvp": ("v", "Jv"), "vjp": ("u", "Jtu")}


def session(name):
    path = str(folder / name)
    onnx.checker.check_model(path, full_check=True)
    model = onnx.load(path)
    metadata = {prop.key: prop.value for prop in model.metadata_props}
    assert metadata["pushforward.kind"] == name.split("-")[0].split(".")[0], metadata
    assert model.producer_name == "pushforward" and model.producer_version == "1.2.3" and model.doc_string
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


linear = session("linear.onnx")
kept = dict(zip([out.name for out in linear.get_outputs()], linear.run(None, {linear.get_inputs()[0].name: point})))
worst = {}
for kind, (given, expected) in sides.items():
    block, product = numpy.load(folder / f"{given}.npy"), numpy.load(folder / f"{expected}.npy")
    for name in (f"{kind}.onnx", f"{kind}-inside.onnx", f"{kind}-at.onnx"):
        run = session(name)
        feeds = {}
        for one in run.get_inputs():
            is_block = one.shape[:1] == ["K"]
            feeds[one.name] = block if is_block else kept[one.name] if one.name in kept else point
        found = run.run(None, feeds)[-1]
        assert found.shape == product.shape, (found.shape, product.shape)
        worst[name] = float(numpy.linalg.norm(found - product) / numpy.linalg.norm(product))
print(json.dumps(worst))
