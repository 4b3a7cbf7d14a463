//! How the time of a simulation grows with its hosts, held against n log n.
//! Invariant: every size is a whole run of the built-in scenario `million` with fewer branches, none broke an oracle, and
//! times are those of a clock on the wall with all cores.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;

use clap::Args;
use peerdist_sim::plan::Plan;
use peerdist_sim::{builtin, flow, scenario};

use crate::pairs::timed;

const HOSTS_OF_A_BRANCH: u64 = 100;
const FEWEST_HOSTS: u64 = 1_000;
const MOST_HOSTS: u64 = 10_000_000;

/// The exit code where something outside cannot be reached.
const COULD_NOT: u8 = 3;

/// What a step may cost more than n log n says, of what was measured for the step before: small runs are noisy.
const MORE_THAN_EXPECTED: f64 = 1.25;

/// How long simulations of a thousand hosts to a million take, held against n log n
#[derive(Debug, Args)]
pub struct Scale {
    /// The most hosts: sizes are powers of ten from 1000 on
    #[arg(
        long,
        value_name = "HOSTS",
        default_value_t = 100_000,
        value_parser = clap::value_parser!(u64).range(FEWEST_HOSTS..=MOST_HOSTS)
    )]
    to: u64,
    /// Draw it, as SVG
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
}

/// One size.
struct Sample {
    hosts: u64,
    blocks: u64,
    seconds: f64,
}

impl Sample {
    /// Nanoseconds for each host and each doubling of their number.
    fn share_of_n_log_n(&self) -> f64 {
        let hosts = self.hosts as f64;
        self.seconds * 1e9 / (hosts * hosts.log2())
    }
}

impl Scale {
    /// Measures, prints, draws. Exit codes are those of the project.
    #[must_use]
    pub fn run(&self) -> ExitCode {
        let samples = match self.measure() {
            Ok(samples) => samples,
            Err(why) => {
                eprintln!("peerdist-benches: {why}");
                return ExitCode::FAILURE;
            }
        };
        if let Some(plot) = &self.plot
            && let Err(error) = fs::write(plot, drawn(&samples))
        {
            eprintln!("peerdist-benches: {}: {error}", plot.display());
            return ExitCode::from(COULD_NOT);
        }
        if grows_as_expected(&samples) {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }

    /// An error where a run broke an oracle.
    fn measure(&self) -> Result<Vec<Sample>, String> {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        println!("{threads} threads; a host fetches 100 MiB\n");
        println!("    hosts   seconds   us/host   blocks/s   ns/(n log2 n)");
        let mut samples: Vec<Sample> = Vec::new();
        let mut hosts = FEWEST_HOSTS;
        while hosts <= self.to {
            let sample = sample(hosts, threads)?;
            println!(
                "{:>9} {:>9.2} {:>9.1} {:>9.2}M {:>15.2}",
                sample.hosts,
                sample.seconds,
                sample.seconds * 1e6 / sample.hosts as f64,
                sample.blocks as f64 / sample.seconds / 1e6,
                sample.share_of_n_log_n(),
            );
            samples.push(sample);
            hosts *= 10;
        }
        Ok(samples)
    }
}

fn grows_as_expected(samples: &[Sample]) -> bool {
    let mut is_good = true;
    for two in samples.windows(2) {
        let [smaller, larger] = two else { continue };
        let grew = larger.share_of_n_log_n() / smaller.share_of_n_log_n();
        if grew > MORE_THAN_EXPECTED {
            is_good = false;
            println!(
                "from {} to {} hosts it grew {grew:.2} times as much as n log n",
                smaller.hosts, larger.hosts
            );
        }
    }
    if is_good {
        println!("\nIt grows no faster than n log n.");
    }
    is_good
}

fn sample(hosts: u64, threads: usize) -> Result<Sample, String> {
    let million = builtin::find("million").ok_or("there is no scenario 'million'")?;
    let copies = (hosts / HOSTS_OF_A_BRANCH).to_string();
    let settings = [("sites.branch.copies".to_owned(), copies)];
    let scenario = scenario::with(million.name, million.text, &settings);
    let scenario = Arc::new(scenario.map_err(|error| error.to_string())?);
    let (outcome, took) = timed(|| flow::run(&Plan::new(scenario, 1), threads));
    if let Some(violation) = outcome.violations().next() {
        return Err(format!("{hosts} hosts: {violation}"));
    }
    Ok(Sample {
        hosts,
        blocks: outcome.sites.iter().map(|site| site.blocks).sum(),
        seconds: took.as_secs_f64(),
    })
}

/// Both axes by powers of ten: seconds over hosts, and n log n through the first of them.
fn drawn(samples: &[Sample]) -> String {
    let (width, height, left, top) = (640.0, 400.0, 64.0, 24.0);
    let (plot_width, plot_height) = (width - left - 24.0, height - top - 56.0);
    let decades = |value: f64| value.log10();
    let last = samples.last().map_or(1e6, |sample| sample.hosts as f64);
    let (x_from, x_to) = (3.0, decades(last).max(4.0));
    let seconds = samples.iter().map(|sample| sample.seconds);
    let (low, high) = seconds.fold((f64::MAX, f64::MIN), |(low, high), it| {
        (low.min(it), high.max(it))
    });
    let (y_from, y_to) = (
        decades(low).floor(),
        decades(high).ceil().max(decades(low).floor() + 1.0),
    );
    let x = |hosts: f64| left + (decades(hosts) - x_from) / (x_to - x_from) * plot_width;
    let y = |seconds: f64| top + (y_to - decades(seconds)) / (y_to - y_from) * plot_height;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\n"
    );
    let mut decade = x_from;
    while decade <= x_to {
        let at = x(10_f64.powf(decade));
        let _ = writeln!(
            svg,
            "<path d=\"M{at:.1} {top}V{:.1}\" stroke=\"#ddd\"/><text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">10<tspan dy=\"-5\" font-size=\"9\">{decade}</tspan></text>",
            top + plot_height,
            top + plot_height + 18.0
        );
        decade += 1.0;
    }
    let mut decade = y_from;
    while decade <= y_to {
        let at = y(10_f64.powf(decade));
        let _ = writeln!(
            svg,
            "<path d=\"M{left} {at:.1}h{plot_width:.1}\" stroke=\"#ddd\"/><text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            left - 8.0,
            at + 4.0,
            10_f64.powf(decade)
        );
        decade += 1.0;
    }
    if let Some(first) = samples.first() {
        let share = first.share_of_n_log_n() / 1e9;
        let line: Vec<String> = samples
            .iter()
            .map(|sample| {
                let hosts = sample.hosts as f64;
                format!("{:.1},{:.1}", x(hosts), y(share * hosts * hosts.log2()))
            })
            .collect();
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"#888\" stroke-dasharray=\"5 4\"/>",
            line.join(" ")
        );
    }
    let points: Vec<(f64, f64, f64)> = samples
        .iter()
        .map(|sample| (x(sample.hosts as f64), y(sample.seconds), sample.seconds))
        .collect();
    let line: Vec<String> = points
        .iter()
        .map(|(x, y, _)| format!("{x:.1},{y:.1}"))
        .collect();
    let _ = writeln!(
        svg,
        "<polyline points=\"{}\" fill=\"none\" stroke=\"#1a6fb0\" stroke-width=\"2\"/>",
        line.join(" ")
    );
    let last = points.len().saturating_sub(1);
    for (place, (x, y, seconds)) in points.into_iter().enumerate() {
        let (anchor, aside) = if place == last {
            ("end", 0.0)
        } else {
            ("start", 8.0)
        };
        let _ = writeln!(
            svg,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"#1a6fb0\"/><text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{seconds:.2} s</text>",
            x + aside,
            y + if place == last { 34.0 } else { 18.0 }
        );
    }
    let _ = write!(
        svg,
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">hosts that fetch 100 MiB each</text>\n\
         <text x=\"16\" y=\"{:.1}\" text-anchor=\"middle\" transform=\"rotate(-90 16 {:.1})\">seconds</text>\n\
         <text x=\"{:.1}\" y=\"{:.1}\" fill=\"#1a6fb0\">measured</text>\n\
         <text x=\"{:.1}\" y=\"{:.1}\" fill=\"#666\">- - n log n from the first</text>\n</svg>\n",
        left + plot_width / 2.0,
        height - 12.0,
        top + plot_height / 2.0,
        top + plot_height / 2.0,
        left + 12.0,
        top + 18.0,
        left + 12.0,
        top + 36.0,
    );
    svg
}
