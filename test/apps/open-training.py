"""Opens a training with xarray and prints what it reads as JSON; see test/apps/train.test.ts."""

import json
import math
import sys
import warnings

import xarray

for category in (RuntimeWarning, UserWarning, FutureWarning):
    warnings.simplefilter("error", category)  # a training opens without a word


def plain(value):
    return None if isinstance(value, float) and not math.isfinite(value) else value


def describe(dataset):
    return {
        name: {"dims": array.dims, "values": [plain(value) for value in array.values.ravel().tolist()]}
        for name, array in dataset.variables.items()
        if name != "state"
    }


path, weight, step = sys.argv[1:]
with xarray.open_zarr(path) as root, xarray.open_zarr(path, group="weights") as weights, xarray.open_zarr(path, group="curve") as curve:
    result = {
        "attrs": root.attrs,
        "root": describe(root),
        "curve": describe(curve),
        "weights": {name: list(array.dims) for name, array in weights.data_vars.items()},
        "picked": weights[weight].sel(step=int(step)).values.ravel().tolist(),
    }
print(json.dumps(result))
