//! A run as a badge: a small picture that says how many cases passed.
//! Invariant: it is one SVG without anything outside of it.
//! Byte order: none.

use super::Report;

/// Widths of letters differ; this is their mean at 11 pixels.
const LETTER_PIXELS: usize = 7;
const MARGIN: usize = 10;

/// The badge.
#[must_use]
pub fn badge(report: &Report) -> String {
    let summary = report.summary;
    let judged = summary.pass + summary.warn + summary.fail;
    let passed = summary.pass + summary.warn;
    let text = format!("{passed} of {judged}");
    let colour = match (summary.fail, judged) {
        (_, 0) => "#777",
        (0, _) if summary.inconclusive > 0 => "#b58900",
        (0, _) => "#2b7a3d",
        _ => "#b3261e",
    };
    let label = "PeerDist";
    let left = label.len() * LETTER_PIXELS + MARGIN;
    let right = text.len() * LETTER_PIXELS + MARGIN;
    let width = left + right;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"20\" role=\"img\" aria-label=\"{label}: {text}\">\n\
         <title>{label}: {text} cases pass</title>\n\
         <clipPath id=\"r\"><rect width=\"{width}\" height=\"20\" rx=\"3\"/></clipPath>\n\
         <g clip-path=\"url(#r)\"><rect width=\"{left}\" height=\"20\" fill=\"#444\"/>\
         <rect x=\"{left}\" width=\"{right}\" height=\"20\" fill=\"{colour}\"/></g>\n\
         <g fill=\"#fff\" text-anchor=\"middle\" font-family=\"Verdana,DejaVu Sans,sans-serif\" font-size=\"11\">\
         <text x=\"{}\" y=\"14\">{label}</text><text x=\"{}\" y=\"14\">{text}</text></g>\n</svg>\n",
        left / 2,
        left + right / 2
    )
}
