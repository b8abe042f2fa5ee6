"""Opens a search with xarray and prints what it reads as JSON; see test/apps/search.test.ts."""

import json
import math
import sys
import warnings

import xarray

for category in (RuntimeWarning, UserWarning, FutureWarning):
    warnings.simplefilter("error", category)  # a search opens without a word


def plain(value):
    return None if isinstance(value, float) and not math.isfinite(value) else value


def describe(dataset):
    return {
        name: {"dims": array.dims, "values": [plain(value) for value in array.values.ravel().tolist()]}
        for name, array in dataset.variables.items()
    }


(path,) = sys.argv[1:]
with xarray.open_zarr(path) as root, xarray.open_zarr(path, group="settings") as settings:
    result = {"attrs": root.attrs, "root": describe(root), "settings": describe(settings)}
print(json.dumps(result))
