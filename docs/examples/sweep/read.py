#!/usr/bin/env python3
"""Reads what `peerdist sim run --out` and `peerdist sim sweep` leave, with DuckDB and pandas.

    pip install duckdb pandas pyarrow
    read.py run results/branch-office
    read.py sweep results/desks

Files and columns: docs/RESULTS.md.
"""
import pathlib
import sys

import duckdb
import pandas


def run(results: pathlib.Path) -> None:
    series = pandas.read_parquet(results / "timeseries.parquet")
    series = series[series.branch == "*"]  # all branches together
    for seed, bins in series.groupby("seed"):
        megabits = 8e-6 * bins.wan_down_bytes / bins.bin_seconds
        print(f"seed {seed}: at most {megabits.max():.2f} Mbit/s on the line, {bins.wan_down_bytes.sum()} bytes in all")
    # Bytes of the bins add up to those of the downloads, seed by seed.
    transfers = pandas.read_parquet(results / "transfers.parquet")
    sources = ["bytes_from_origin", "bytes_from_peers", "bytes_from_hosted_cache", "bytes_from_local_cache"]
    complete = transfers.groupby("seed").is_complete.all()
    sums = transfers.groupby("seed")[sources].sum() - series.groupby("seed")[sources].sum()
    if sums[complete].to_numpy().any():
        sys.exit(f"the bins do not add up to the downloads:\n{sums}")
    print(transfers.groupby("host_group").duration_seconds.describe(percentiles=[0.5, 0.9, 0.99]).round(3))
    print(duckdb.sql(f"""
        SELECT branch, count(*) AS downloads,
               round(100 * sum(bytes_from_peers + bytes_from_hosted_cache) / sum(content_bytes), 1) AS percent_from_branch,
               round(quantile_cont(duration_seconds, 0.5), 3) AS median_seconds
        FROM '{results / "transfers.parquet"}' GROUP BY branch ORDER BY branch LIMIT 20
    """))


def sweep(results: pathlib.Path) -> None:
    runs = pandas.read_parquet(results / "runs.parquet")
    names = list(runs.columns)
    parameters = names[names.index("seed") + 1 : names.index("wan_bytes")]
    keys = ", ".join(f'"{name}"' for name in parameters)
    print(duckdb.sql(f"""
        SELECT {keys}, count(*) AS runs, round(avg(wan_saved_percent), 2) AS wan_saved_percent,
               round(stddev_samp(wan_saved_percent), 2) AS deviation
        FROM '{results / "runs.parquet"}' GROUP BY ALL ORDER BY ALL
    """))
    # Arms have the same seeds, so differences are taken seed by seed.
    first = runs[runs.arm == 0].set_index("seed").wan_saved_percent
    for arm, of_arm in runs[runs.arm > 0].groupby("arm"):
        difference = of_arm.set_index("seed").wan_saved_percent - first
        print(f"arm {arm}: {difference.mean():+.2f} points to arm 0, from {len(difference)} pairs")
    # The program's own means, for comparison.
    arms = pandas.read_csv(results / "arms.csv")
    means = runs.groupby("arm").wan_saved_percent.mean()
    if (arms.set_index("arm")["wan_saved_percent.mean"] - means).abs().max() > 1e-6:
        sys.exit("arms.csv has other means than runs.parquet")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["run", results]:
            run(pathlib.Path(results))
        case ["sweep", results]:
            sweep(pathlib.Path(results))
        case _:
            sys.exit(__doc__)
