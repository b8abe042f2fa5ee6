"""Opens a study with xarray and prints what it reads as JSON; see test/apps/study-xarray.test.ts."""

import importlib.util
import json
import math
import os
import sys
import tempfile
import warnings

import xarray

for category in (RuntimeWarning, UserWarning, FutureWarning):
    warnings.simplefilter("error", category)  # a study opens without a word


def plain(value):
    return None if isinstance(value, float) and not math.isfinite(value) else value


def describe(array):
    return {"dims": array.dims, "attrs": array.attrs, "values": [plain(value) for value in array.values.ravel().tolist()]}


def through_netcdf(dataset):
    """Whether the dataset is the same after it was written as netCDF and read again; None without netCDF4."""
    if importlib.util.find_spec("netCDF4") is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "study.nc")
        dataset.to_netcdf(file)
        with xarray.open_dataset(file) as again:
            return again.equals(dataset)


path, variable, labels = sys.argv[1:]
with xarray.open_zarr(path) as study:
    result = {
        "attrs": study.attrs,
        "coords": {name: describe(array) for name, array in study.coords.items()},
        "variables": {name: describe(array) for name, array in study.data_vars.items()},
        "picked": [plain(float(study[variable].sel(place))) for place in json.loads(labels)],
        "netcdf": through_netcdf(study),
    }
print(json.dumps(result))
