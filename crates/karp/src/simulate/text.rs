//! A run for people: the time line, nodes, waits, cost.

use std::fmt::Write as _;
use std::time::Duration;

use sim::{Entry, Happening, Report};
use view::format::{clock, count, dollars, span};
use view::{Align, Paint, Style, Table};

use super::tally;

/// How much is printed of a long run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Detail {
    /// The main points of the time line, and nodes by type.
    Brief,
    /// Everything.
    Full,
}

/// A time line with more lines than this is cut down to its main points.
const LONG_TIMELINE: usize = 250;
/// More nodes than this are summed up by type.
const MANY_NODES: usize = 60;

pub(crate) fn render(report: &Report, detail: Detail, style: Style) -> String {
    let mut text = String::new();
    let name = if report.scenario.is_empty() {
        "Simulation"
    } else {
        report.scenario.as_str()
    };
    let title = |text: &str| style.paint(Paint::Title, text);
    let _ = writeln!(text, "{}\n", title(name));
    text.push_str(&timeline(report, detail, style));
    let _ = writeln!(text, "\n{}", title("Nodes"));
    let nodes = if detail == Detail::Full || report.nodes.len() <= MANY_NODES {
        nodes(report)
    } else {
        tally::node_types(report)
    };
    text.push_str(&nodes.render(style));
    if !report.workloads.is_empty() {
        let _ = writeln!(text, "\n{}", title("How long pods waited"));
        text.push_str(&waits(report).render(style));
    }
    for pod in report.waiting.iter().take(20) {
        let reason = if pod.reason.is_empty() {
            "no reason was given"
        } else {
            &pod.reason
        };
        let label = style.paint(Paint::Bad, "still waiting");
        let _ = writeln!(text, "{label}  {}: {reason}", pod.pod);
    }
    let _ = writeln!(text, "\n{}", title("What it took"));
    text.push_str(&tally::pools(report).render(style));
    text.push('\n');
    text.push_str(&tally::lines(report));
    for breach in &report.tally.breaches {
        let label = style.paint(Paint::Bad, "broken rule");
        let at = clock(Duration::from_millis(breach.at_ms));
        let _ = writeln!(text, "{label}  {at}  {}", breach.what);
    }
    text.push('\n');
    text.push_str(&summary(report));
    text
}

fn timeline(report: &Report, detail: Detail, style: Style) -> String {
    let mut text = String::new();
    let all = report.timeline.len();
    let cut = detail == Detail::Brief && all > LONG_TIMELINE;
    let entries = report
        .timeline
        .iter()
        .filter(|entry| !cut || is_main(&entry.what));
    for entry in entries {
        let _ = writeln!(text, "{}", line(entry, style));
    }
    if cut {
        let note = format!(
            "the main points of {}; --full shows all",
            count(all, "line")
        );
        let _ = writeln!(text, "{}", style.paint(Paint::Dim, &note));
    }
    text
}

/// Whether a line is worth showing even of a long run.
fn is_main(what: &Happening) -> bool {
    matches!(
        what,
        Happening::Step { .. }
            | Happening::Disrupted { .. }
            | Happening::ClaimGone { .. }
            | Happening::Problem { .. }
    )
}

fn summary(report: &Report) -> String {
    let elapsed = span(Duration::from_millis(report.elapsed_ms));
    let end = if report.settled {
        "until nothing happened any more"
    } else {
        "until the time was up"
    };
    format!(
        "{} over {elapsed} of virtual time, {end}. Cost {} ({}). Seed {}.\n",
        count(report.nodes.len(), "node"),
        dollars(report.cost),
        report.price_source,
        report.seed
    )
}

pub(super) fn line(entry: &Entry, style: Style) -> String {
    let at = style.paint(Paint::Dim, &clock(Duration::from_millis(entry.at_ms)));
    let (mark, paint, text) = describe(&entry.what);
    format!("{at}  {} {text}", style.paint(paint, &format!("{mark:<9}")))
}

/// Mark, colour and text of a line.
type Line = (&'static str, Paint, String);

fn describe(what: &Happening) -> Line {
    match what {
        Happening::Scaled { workload, from, to } => {
            ("scaled", Paint::Title, format!("{workload} {from} -> {to}"))
        }
        Happening::Step { text } => ("step", Paint::Title, text.clone()),
        Happening::PodsWaiting { workload, pods } => (
            "waiting",
            Paint::Warn,
            format!("{} of {workload}", count(*pods, "pod")),
        ),
        Happening::PodsRunning {
            workload,
            node,
            pods,
        } => (
            "running",
            Paint::Good,
            format!("{} of {workload} on {node}", count(*pods, "pod")),
        ),
        Happening::PodsGone { workload, pods } => (
            "ended",
            Paint::Dim,
            format!("{} of {workload}", count(*pods, "pod")),
        ),
        Happening::ClaimGone { claim } => (
            "given up",
            Paint::Bad,
            format!("{claim} ended without a machine"),
        ),
        Happening::Problem { text } => ("problem", Paint::Bad, text.clone()),
        Happening::ClaimCreated { .. } | Happening::Launched { .. } => describe_claim(what),
        Happening::Joined { .. }
        | Happening::Ready { .. }
        | Happening::Empty { .. }
        | Happening::Disrupted { .. }
        | Happening::NodeGone { .. } => describe_node(what),
    }
}

fn describe_claim(what: &Happening) -> Line {
    match what {
        Happening::ClaimCreated {
            claim,
            pool,
            requests,
            instance_types,
        } => {
            if requests.is_empty() {
                // Of a pool with a fixed number of nodes: no pod asks for it.
                let text = format!("{claim} by NodePool {pool}, which has a fixed number of nodes");
                return ("claim", Paint::Name, text);
            }
            let amount = |name: &str| requests.get(name).map_or("0", String::as_str);
            let pods = amount("pods").parse().unwrap_or(0);
            let text = format!(
                "{claim} by NodePool {pool} for {}: cpu {}, memory {}; {} to choose from",
                count(pods, "pod"),
                amount("cpu"),
                amount("memory"),
                count(*instance_types, "type")
            );
            ("claim", Paint::Name, text)
        }
        Happening::Launched {
            claim,
            instance_type,
            zone,
            capacity_type,
            price_per_hour,
            cheapest_of,
        } => {
            let text = format!(
                "{claim} is {instance_type} in {zone}, {capacity_type}, {} an hour: the cheapest of {}",
                dollars(*price_per_hour),
                count(*cheapest_of, "type")
            );
            ("launched", Paint::Good, text)
        }
        other => unreachable!("{other:?} is not about a claim"),
    }
}

fn describe_node(what: &Happening) -> Line {
    match what {
        Happening::Joined {
            node,
            claim,
            after_ms,
        } => {
            let after = span(Duration::from_millis(*after_ms));
            (
                "joined",
                Paint::Good,
                format!("{node} ({claim}), {after} after its launch"),
            )
        }
        Happening::Ready { node } => ("ready", Paint::Good, format!("{node} takes pods")),
        Happening::Empty { node } => (
            "empty",
            Paint::Warn,
            format!("{node} has no pods left but daemons"),
        ),
        Happening::Disrupted { node, reason } => (
            "removing",
            Paint::Warn,
            format!("{node}, because it is {}", reason.to_lowercase()),
        ),
        Happening::NodeGone {
            node,
            lived_ms,
            cost,
        } => {
            let lived = span(Duration::from_millis(*lived_ms));
            (
                "gone",
                Paint::Warn,
                format!("{node} after {lived}, cost {}", dollars(*cost)),
            )
        }
        other => unreachable!("{other:?} is not about a node"),
    }
}

fn nodes(report: &Report) -> Table {
    let mut table = Table::new(&[
        ("NODE", Align::Left),
        ("NODEPOOL", Align::Left),
        ("TYPE", Align::Left),
        ("ZONE", Align::Left),
        ("CAPACITY", Align::Left),
        ("$/HOUR", Align::Right),
        ("FROM", Align::Left),
        ("TO", Align::Left),
        ("PODS", Align::Right),
        ("COST", Align::Right),
    ]);
    for node in &report.nodes {
        let offset = |ms: u64| clock(Duration::from_millis(ms));
        table.row([
            node.node.clone(),
            node.node_pool.clone(),
            node.instance_type.clone(),
            node.zone.clone(),
            node.capacity_type.clone(),
            dollars(node.price_per_hour),
            offset(node.launched_ms),
            node.gone_ms.map_or_else(|| "runs".to_owned(), offset),
            node.most_pods.to_string(),
            dollars(node.cost),
        ]);
    }
    table
}

fn waits(report: &Report) -> Table {
    let mut table = Table::new(&[
        ("WORKLOAD", Align::Left),
        ("STARTED", Align::Right),
        ("WAITING", Align::Right),
        ("SHORTEST", Align::Right),
        ("MEDIAN", Align::Right),
        ("LONGEST", Align::Right),
    ]);
    for row in &report.workloads {
        let wait = |ms: u64| {
            if row.started == 0 {
                "-".to_owned()
            } else {
                span(Duration::from_millis(ms))
            }
        };
        table.row([
            row.workload.clone(),
            row.started.to_string(),
            row.waiting.to_string(),
            wait(row.wait_min_ms),
            wait(row.wait_median_ms),
            wait(row.wait_max_ms),
        ]);
    }
    table
}
