"""Opens a run with xarray and prints what it reads as JSON; test/results/xarray.test.ts compares it with what was written."""

import json
import math
import sys
import warnings

import xarray

for category in (RuntimeWarning, UserWarning, FutureWarning):
    warnings.simplefilter("error", category)  # a run opens without a word


def plain(array):
    def finite(value):
        return None if isinstance(value, float) and not math.isfinite(value) else value

    return [finite(value) for value in array.values.ravel().tolist()]


def describe(dataset):
    arrays = {**dataset.coords, **dataset.data_vars}
    return {
        "dims": {name: int(size) for name, size in dataset.sizes.items()},
        "coords": sorted(dataset.coords),
        "arrays": {name: {"dims": array.dims, "values": plain(array)} for name, array in arrays.items()},
        "attrs": dataset.attrs,
    }


path, *groups = sys.argv[1:]
with xarray.open_zarr(path) as run:
    picked = run.sigma.sel(input="höhle/2", tap="logits", k=2)
    result = {"root": describe(run), "picked": float(picked), "status": run.status.attrs, "groups": {}}
for group in groups:
    with xarray.open_zarr(path, group=group) as vectors:
        result["groups"][group] = describe(vectors)
print(json.dumps(result))
