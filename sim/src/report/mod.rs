//! A page that shows a run: one file, nothing from elsewhere, for the screen and for paper (docs/RESULTS.md).
//! Invariant: what a scenario says goes into the page as text alone; the page loads nothing and sends nothing.
//! Format: HTML with style and script in it; the numbers as JSON.

mod data;
mod marks;

pub use data::{Mark, Report};

use crate::results::ResultsError;
use crate::summary::Summary;

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("style.css");
const SCRIPTS: [&str; 4] = [
    include_str!("units.js"),
    include_str!("chart.js"),
    include_str!("topology.js"),
    include_str!("page.js"),
];

/// Writes the page.
///
/// # Errors
/// [`ResultsError::Format`].
pub fn html(report: &Report) -> Result<String, ResultsError> {
    let data =
        serde_json::to_string(report).map_err(|error| ResultsError::Format(error.to_string()))?;
    // Nothing in it can end the element that it stands in, nor begin a comment there.
    let data = data.replace('<', "\\u003c");
    let script = SCRIPTS.concat();
    let parts = [
        ("title", escaped(&report.name)),
        ("about", escaped(report.about.trim())),
        ("figures", figures(&report.summary)),
        ("style", STYLE.to_owned()),
        ("script", script),
        ("data", data),
    ];
    let mut page = String::with_capacity(PAGE.len() + 200_000);
    let mut rest = PAGE;
    // In one pass, so that what is put in is never looked through.
    while let Some((before, after)) = rest.split_once("{{") {
        page.push_str(before);
        let (name, after) = after.split_once("}}").unwrap_or((after, ""));
        let part = parts.iter().find(|(of, _)| *of == name);
        page.push_str(part.map_or("", |(_, text)| text));
        rest = after;
    }
    page.push_str(rest);
    Ok(page)
}

/// The figures as rows, for those who let no script run.
fn figures(summary: &Summary) -> String {
    let rows = Summary::FIGURES.iter().map(|name| {
        let value = summary.figure(name).unwrap_or_default();
        format!("<tr><th>{}</th><td>{value}</td></tr>", escaped(name))
    });
    rows.collect()
}

/// Text that means nothing in HTML.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::engine::Engine;
    use crate::plan::Plan;
    use crate::scenario::load;

    #[test]
    fn what_a_scenario_says_stays_text_and_nothing_comes_from_elsewhere() {
        let text = "
about: '</script><script>alert(1)</script> <!-- {{data}} & more'
sites: { branch: {} }
hosts: { desks: { count: 2 } }
contents: { update: { size: 1 MB } }
workload: [{ arrive: { pattern: one_by_one, every: 10 s } }]
expect: [failed == 0, wan_saved_percent >= 99]
";
        let plan = Plan::new(Arc::new(load("it", text).unwrap()), 1);
        let outcome = Engine::Flow.run(&plan, 1).unwrap();
        let report = Report::new("<it>", "flow", &plan, &outcome, &outcome.summary(&plan));
        let page = html(&report).unwrap();
        assert!(page.contains("<title>&lt;it&gt;"));
        assert_eq!(page.matches("<script").count(), 2);
        assert_eq!(page.matches("</script>").count(), 2);
        assert!(!page.contains("alert(1)</script>"));
        // As text, and among the numbers; what is put in is not looked through.
        assert_eq!(page.matches("{{data}}").count(), 2);
        assert_eq!(page.matches("{{").count(), 2);
        assert!(page.contains("default-src 'none'"));
        for outside in ["http://", "https://", "//cdn", "@import", "src="] {
            let found = page.replace("http://www.w3.org/2000/svg", "");
            assert!(!found.contains(outside), "{outside}");
        }
        let begin = page.find("id=\"data\">").unwrap() + 10;
        let end = begin + page[begin..].find("</script>").unwrap();
        let value: serde_json::Value = serde_json::from_str(&page[begin..end]).unwrap();
        assert_eq!(value["expectations"][1]["is_met"], false);
        let down = value["timeline"]["wan_down_bytes"].as_array().unwrap();
        let sum: u64 = down.iter().filter_map(serde_json::Value::as_u64).sum();
        assert_eq!(sum, outcome.sites[0].wan_down_bytes);
        assert_eq!(value["branches"][0]["downloads"], 2);
    }
}
