"""Prints a stored run as the lines of `--json`, each number selected by its labels; see test/apps/xarray.test.ts."""

import json
import sys

import xarray


def words(array):
    meanings = array.attrs["flag_meanings"].split()
    return [meanings[code] for code in array.values.ravel().tolist() if code >= 0]


with xarray.open_zarr(sys.argv[1]) as run:
    model, source = (json.loads(run.attrs[name]) for name in ("model", "from"))
    for name in run.input.values.tolist():
        for tap in run.tap.values.tolist():
            unit = run.sel(input=name, tap=tap)
            missed = {"kind": words(unit.missed_kind)[0]}
            if missed["kind"] == "probable":
                missed["bound"] = float(unit.missed_bound)
                missed["failureProbability"] = float(unit.missed_failure_probability)
            line = {
                "model": model["file"],
                "input": name,
                "from": source["name"],
                "tap": tap,
                "m": int(unit.m),
                "n": int(unit.n),
                "k": int(unit.triplets),
                "sigma": [float(unit.sigma.sel(k=k)) for k in range(1, int(unit.triplets) + 1)],
                "residual": unit.residual.dropna("k").values.tolist(),
                "status": words(unit.status),
                "floor": float(unit.floor),
                "floors": unit.floors.dropna("k").values.tolist(),
                "missed": missed,
                "jvp": int(unit.jvp),
                "vjp": int(unit.vjp),
                "seconds": float(unit.seconds),
                "kinks": json.loads(str(unit.kinks.values)),
            }
            print(json.dumps(line))
