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
            number = unit.numbers.to_dataset("quantity")
            notes = json.loads(str(unit.notes.values))
            missed = {"kind": unit.numbers.attrs["words_missed_kind"].split()[int(number.missed_kind)]}
            if missed["kind"] == "probable":
                missed["bound"] = float(number.missed_bound)
                missed["failureProbability"] = float(number.missed_failure_probability)
            line = {
                "model": model["file"],
                "input": name,
                "from": source["name"],
                "tap": tap,
                "m": int(unit.m),
                "n": int(unit.n),
                "k": int(number.triplets),
                "sigma": [float(unit.sigma.sel(k=k)) for k in range(1, int(number.triplets) + 1)],
                "residual": unit.residual.dropna("k").values.tolist(),
                "status": words(unit.status),
                "floor": float(number.floor),
                "floors": unit.floors.dropna("k").values.tolist(),
                "missed": missed,
                "jvp": int(number.jvp),
                "vjp": int(number.vjp),
                "seconds": float(unit.seconds),
                "kinks": notes["kinks"],
            }
            print(json.dumps(line))
