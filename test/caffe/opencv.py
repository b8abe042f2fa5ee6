"""What OpenCV's reader of Caffe computes: python opencv.py FOLDER reads nets.json there and writes results.json."""

import json
import pathlib
import sys

import cv2
import numpy as np

folder = pathlib.Path(sys.argv[1])
results = {"opencv": cv2.__version__, "rows": {}}
for row in json.loads((folder / "nets.json").read_text()):
    try:
        net = cv2.dnn.readNetFromCaffe(str(folder / row["prototxt"]), str(folder / row["caffemodel"]))
        for name, blob in row["inputs"].items():
            net.setInput(np.array(blob["data"], dtype=np.float32).reshape(blob["shape"]), name)
        found = {}
        for top, values in zip(row["tops"], net.forwardAndRetrieve([row["layer"]])[0]):
            array = np.asarray(values, dtype=np.float64)
            found[top] = {"shape": list(array.shape), "data": [float(f"{entry:.7g}") for entry in array.ravel()]}
        results["rows"][row["name"]] = found
    except cv2.error as error:
        print(f"{row['name']}: {error}", file=sys.stderr)
(folder / "results.json").write_text(json.dumps(results))
