//! A run as one page: charts over time, figures, pools, and the time line. The page needs nothing
//! but itself.

use std::fmt::Write as _;
use std::time::Duration;

use sim::{Report, Sample};
use view::Style;
use view::format::{clock, dollars, span, thousands};

use super::{tally, text};

const STYLE: &str = "\
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:64rem;padding:0 1rem;color:#222}\
h1{margin:0}h2{margin:2rem 0 .5rem}p.sub{color:#666;margin:.2rem 0 1.5rem}\
dl{display:flex;flex-wrap:wrap;gap:1rem}dl div{background:#f4f5f7;border-radius:6px;\
padding:.6rem 1rem}dt{color:#666;font-size:.85rem}dd{margin:0;font-size:1.3rem}\
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.25rem .6rem;\
border-bottom:1px solid #e3e5e8}th{color:#666;font-weight:500}\
pre{background:#f4f5f7;border-radius:6px;padding:1rem;max-height:30rem;overflow:auto;\
font-size:.8rem}svg{width:100%;height:auto}.bad{color:#b00020}";

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 160.0;
/// Room for the axis on the left.
const LEFT: f64 = 56.0;

pub(crate) fn render(report: &Report) -> String {
    let name = if report.scenario.is_empty() {
        "Simulation"
    } else {
        &report.scenario
    };
    let mut page = String::new();
    let _ = write!(
        page,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{name}</title>\
         <style>{STYLE}</style></head><body>\n<h1>{name}</h1>\n<p class=\"sub\">{} of virtual \
         time, seed {}, prices: {}</p>\n",
        span(Duration::from_millis(report.elapsed_ms)),
        report.seed,
        escape(&report.price_source),
        name = escape(name),
    );
    page.push_str(&figures(report));
    for breach in &report.tally.breaches {
        let at = clock(Duration::from_millis(breach.at_ms));
        let what = escape(&breach.what);
        let _ = writeln!(page, "<p class=\"bad\">Broken rule at {at}: {what}</p>");
    }
    for (title, value, form) in CHARTS {
        let _ = writeln!(page, "<h2>{title}</h2>");
        page.push_str(&chart(&report.tally.samples, value, form));
    }
    page.push_str(&pools(report));
    page.push_str("<h2>Time line</h2>\n<pre>");
    for entry in &report.timeline {
        let _ = writeln!(page, "{}", escape(&text::line(entry, Style::Plain)));
    }
    page.push_str("</pre>\n</body></html>\n");
    page
}

/// A chart: its title, what it shows, and how its numbers are written.
type Chart = (&'static str, fn(&Sample) -> f64, fn(f64) -> String);

const CHARTS: [Chart; 4] = [
    ("Nodes", |sample| sample.nodes as f64, whole),
    ("Dollars per hour", |sample| sample.price_per_hour, dollars),
    ("Pods", |sample| sample.pods as f64, whole),
    ("Pods that wait", |sample| sample.waiting as f64, whole),
];

fn whole(number: f64) -> String {
    format!("{number:.0}")
}

fn figures(report: &Report) -> String {
    let tally = &report.tally;
    let sum = |counts: &std::collections::BTreeMap<String, u64>| counts.values().sum::<u64>();
    let number = |number: u64| thousands(number as usize);
    let wait = |ms: u64| span(Duration::from_millis(ms));
    let figures = [
        ("Cost", dollars(report.cost)),
        ("Hours of nodes", format!("{:.1}", tally.node_hours)),
        ("Nodes launched", thousands(report.nodes.len())),
        ("Pods evicted", number(sum(&tally.evicted))),
        ("Pods forced", number(sum(&tally.forced))),
        ("Pods lost", number(sum(&tally.lost))),
        ("Mean wait", wait(tally.waits.mean_ms)),
        ("99 of 100 pods waited", wait(tally.waits.p99_ms)),
        ("Longest wait", wait(tally.waits.max_ms)),
        ("Rules broken", thousands(tally.breaches.len())),
    ];
    let mut html = String::from("<dl>");
    for (name, value) in figures {
        let _ = write!(html, "<div><dt>{name}</dt><dd>{value}</dd></div>");
    }
    html.push_str("</dl>\n");
    html
}

/// One line over time. Between samples nothing is known, so that the line is made of steps.
fn chart(samples: &[Sample], value: fn(&Sample) -> f64, form: fn(f64) -> String) -> String {
    let end = samples.last().map_or(1, |sample| sample.at_ms).max(1) as f64;
    let top = samples.iter().map(value).fold(0.0, f64::max);
    let scale = if top > 0.0 { top } else { 1.0 };
    let x = |at_ms: u64| LEFT + at_ms as f64 / end * (WIDTH - LEFT);
    let y = |amount: f64| HEIGHT - 20.0 - amount / scale * (HEIGHT - 32.0);
    let mut path = String::new();
    for (number, sample) in samples.iter().enumerate() {
        let (x, y) = (x(sample.at_ms), y(value(sample)));
        let _ = if number == 0 {
            write!(path, "M{x:.1} {y:.1}")
        } else {
            write!(path, "H{x:.1}V{y:.1}")
        };
    }
    let (floor, ceiling) = (y(0.0), y(scale));
    let mut html = format!("<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-size=\"12\" fill=\"#666\">");
    for (at, amount) in [(floor, 0.0), (ceiling, scale)] {
        let _ = write!(
            html,
            "<line x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{at:.1}\" y2=\"{at:.1}\" stroke=\"#ddd\"/>\
             <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            LEFT - 6.0,
            at + 4.0,
            form(amount)
        );
    }
    for (at, anchor) in [(0.0, "start"), (0.5, "middle"), (1.0, "end")] {
        let _ = write!(
            html,
            "<text x=\"{:.1}\" y=\"{HEIGHT}\" text-anchor=\"{anchor}\">{}</text>",
            LEFT + at * (WIDTH - LEFT),
            clock(Duration::from_secs_f64(at * end / 1000.0))
        );
    }
    let _ = writeln!(
        html,
        "<path d=\"{path}\" fill=\"none\" stroke=\"#2563eb\" stroke-width=\"1.5\"/></svg>"
    );
    html
}

fn pools(report: &Report) -> String {
    let mut html = String::from(
        "<h2>Pools</h2>\n<table><tr><th>NodePool</th><th>Launched</th><th>Most at once</th>\
         <th>Hours</th><th>Cost</th><th>Went at once</th><th>Allowed</th><th>Removed</th></tr>\n",
    );
    for pool in &report.tally.pools {
        let removed = pool
            .removed
            .iter()
            .map(|(reason, count)| format!("{count} {reason}"));
        let cells = [
            pool.node_pool.clone(),
            pool.launched.to_string(),
            pool.most_nodes.to_string(),
            format!("{:.1}", pool.node_hours),
            dollars(pool.cost),
            pool.most_going.to_string(),
            tally::allowed(pool),
            removed.collect::<Vec<_>>().join(", "),
        ];
        html.push_str("<tr>");
        for cell in cells {
            let _ = write!(html, "<td>{}</td>", escape(&cell));
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</table>\n");
    html
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
