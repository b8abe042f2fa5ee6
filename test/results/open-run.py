"""Opens a run with xarray and prints what it reads as JSON; test/results/xarray.test.ts compares it with what was written."""

import importlib.util
import json
import math
import os
import sys
import tempfile
import warnings

import xarray
import zarr

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


def through_netcdf(dataset, folder):
    """The dataset written as netCDF and read again, whole."""
    file = os.path.join(folder, f"{len(os.listdir(folder))}.nc")
    dataset.to_netcdf(file)
    with xarray.open_dataset(file) as again:
        return again.load()


path, *groups = sys.argv[1:]
has_netcdf = importlib.util.find_spec("netCDF4") is not None
result = {"groups": {}, "netcdf": {"groups": {}} if has_netcdf else None}
with tempfile.TemporaryDirectory() as folder:
    with xarray.open_zarr(path) as run:
        picked = run.sigma.sel(input="höhle/2", tap="logits", k=2)
        jvp = plain(run.numbers.sel(quantity="jvp"))
        result.update(root=describe(run), picked=float(picked), jvp=jvp, status=run.status.attrs)
        if has_netcdf:
            again = through_netcdf(run, folder)
            attrs = {name: value.item() if hasattr(value, "item") else value for name, value in again.attrs.items()}
            result["netcdf"].update(attrs=attrs, equal=again.equals(run))
    for group in groups:
        with xarray.open_zarr(path, group=group) as vectors:
            result["groups"][group] = describe(vectors)
            if has_netcdf:
                result["netcdf"]["groups"][group] = through_netcdf(vectors, folder).equals(vectors)

members = lambda group: sorted(name for name, _ in group.members())
root = zarr.open_group(path, mode="r")
result["members"] = {"": members(root), **{group: members(root[group]) for group in ["taps", *groups]}}
alone = lambda group: members(zarr.open_group(os.path.join(path, group), mode="r"))
result["alone"] = {group: alone(group) for group in ["taps", *groups]}
print(json.dumps(result))
