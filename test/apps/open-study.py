"""Opens a study with xarray and prints what it reads as JSON; see test/apps/study-xarray.test.ts."""

import json
import math
import sys
import warnings

import xarray

for category in (RuntimeWarning, UserWarning, FutureWarning):
    warnings.simplefilter("error", category)  # a study opens without a word


def plain(value):
    return None if isinstance(value, float) and not math.isfinite(value) else value


def describe(array):
    return {"dims": array.dims, "attrs": array.attrs, "values": [plain(value) for value in array.values.ravel().tolist()]}


path, variable, labels = sys.argv[1:]
with xarray.open_zarr(path) as study:
    result = {
        "attrs": study.attrs,
        "coords": {name: describe(array) for name, array in study.coords.items()},
        "variables": {name: describe(array) for name, array in study.data_vars.items()},
        "picked": [plain(float(study[variable].sel(place))) for place in json.loads(labels)],
    }
print(json.dumps(result))
