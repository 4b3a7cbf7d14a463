//! The subcommand `cutting-quality`: what our cutter keeps of edited contents, beside FastCDC.
//! Invariant: the exit code is 1 when a kind of data loses more than the gate of `cutting_quality` allows.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use crate::cutting_quality::{ALLOWED_LOSS, Cuts, Row, rows, table};

/// How much of edited contents stays known after cutting by content.
#[derive(Debug, Args)]
pub struct CuttingQuality {
    /// Print a JSON list instead of a table
    #[arg(long)]
    json: bool,
    /// Most MiB of each content
    #[arg(long, value_name = "MIB", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..))]
    limit_mib: u16,
}

impl CuttingQuality {
    /// Cuts, compares and prints.
    #[must_use]
    pub fn run(&self) -> ExitCode {
        let rows = rows(usize::from(self.limit_mib) << 20);
        if self.json {
            println!("{:#}", Value::from_iter(rows.iter().map(json)));
        } else {
            print!("{}", table(&rows));
        }
        if rows.iter().all(Row::passes) {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}

/// The figures of a row under the names that the rows of `ratios` have.
fn json(row: &Row) -> Value {
    let Cuts { known: ours, .. } = row.ours;
    let Cuts { known: rival, .. } = row.fastcdc;
    let side = |cuts: &Cuts| json!({ "mean_kib": cuts.mean, "longest_percent": cuts.longest });
    json!({
        "name": row.kind,
        "source": row.source,
        "bytes": row.bytes,
        "ours": ours,
        "rival": rival,
        "rival_name": crate::rivals::cut::NAME,
        "unit": "% known",
        "floor": rival - ALLOWED_LOSS,
        "passes": row.passes(),
        "ours_cuts": side(&row.ours),
        "rival_cuts": side(&row.fastcdc),
    })
}
