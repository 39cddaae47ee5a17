//! What a run took, for people: cost, evictions, waits, and nodes that went, pool by pool.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use sim::{PoolRow, Report};
use view::format::{dollars, span, thousands};
use view::{Align, Table};

/// Lines about the whole run.
pub(super) fn lines(report: &Report) -> String {
    let tally = &report.tally;
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(text, "{name:<10} {value}");
    };
    line(
        "Cost",
        &format!(
            "{} for {} hours of nodes",
            dollars(report.cost),
            hours(tally.node_hours)
        ),
    );
    let waits = &tally.waits;
    let wait = |ms: u64| span(Duration::from_millis(ms));
    if waits.pods > 0 {
        line(
            "Waits",
            &format!(
                "{} on average, {} half of all pods, {} 99 of 100, {} the longest; {} pods",
                wait(waits.mean_ms),
                wait(waits.p50_ms),
                wait(waits.p99_ms),
                wait(waits.max_ms),
                thousands(waits.pods)
            ),
        );
    }
    let mut evicted = sums(&tally.evicted);
    if tally.refused > 0 {
        let _ = write!(
            evicted,
            "; {} refused by disruption budgets",
            thousands(tally.refused as usize)
        );
    }
    line("Evicted", &evicted);
    if !tally.forced.is_empty() {
        line("Forced", &sums(&tally.forced));
    }
    if !tally.lost.is_empty() {
        line("Lost", &sums(&tally.lost));
    }
    text
}

/// `12: 8 Drifted, 4 Empty`.
fn sums(counts: &BTreeMap<String, u64>) -> String {
    let sum: u64 = counts.values().sum();
    if sum == 0 {
        return "none".to_owned();
    }
    format!("{}: {}", thousands(sum as usize), parts(counts))
}

fn parts(counts: &BTreeMap<String, u64>) -> String {
    let parts = counts
        .iter()
        .map(|(name, count)| format!("{} {name}", thousands(*count as usize)));
    parts.collect::<Vec<_>>().join(", ")
}

fn hours(hours: f64) -> String {
    format!("{hours:.1}")
}

/// Pools: what they had, what went, and how many at once.
pub(super) fn pools(report: &Report) -> Table {
    let mut table = Table::new(&[
        ("NODEPOOL", Align::Left),
        ("LAUNCHED", Align::Right),
        ("MOST", Align::Right),
        ("HOURS", Align::Right),
        ("COST", Align::Right),
        ("WENT AT ONCE", Align::Right),
        ("ALLOWED", Align::Right),
        ("REMOVED", Align::Left),
    ]);
    for pool in &report.tally.pools {
        table.row([
            pool.node_pool.clone(),
            pool.launched.to_string(),
            pool.most_nodes.to_string(),
            hours(pool.node_hours),
            dollars(pool.cost),
            pool.most_going.to_string(),
            allowed(pool),
            parts(&pool.removed),
        ]);
    }
    table
}

/// What the budgets allowed when most nodes went at once.
pub(super) fn allowed(pool: &PoolRow) -> String {
    match pool.allowed_then {
        _ if pool.most_going == 0 => "-".to_owned(),
        Some(allowed) => allowed.to_string(),
        None => "any".to_owned(),
    }
}

/// Nodes, summed up by pool and type.
pub(super) fn node_types(report: &Report) -> Table {
    let mut rows: BTreeMap<[&str; 3], (f64, usize, f64, f64)> = BTreeMap::new();
    for node in &report.nodes {
        let key = [&*node.node_pool, &*node.instance_type, &*node.capacity_type];
        let row = rows.entry(key).or_default();
        let end = node.gone_ms.unwrap_or(report.elapsed_ms);
        row.0 = node.price_per_hour;
        row.1 += 1;
        row.2 += end.saturating_sub(node.launched_ms) as f64 / 3_600_000.0;
        row.3 += node.cost;
    }
    let mut table = Table::new(&[
        ("NODEPOOL", Align::Left),
        ("TYPE", Align::Left),
        ("CAPACITY", Align::Left),
        ("$/HOUR", Align::Right),
        ("NODES", Align::Right),
        ("HOURS", Align::Right),
        ("COST", Align::Right),
    ]);
    for ([pool, instance_type, capacity], (price, nodes, time, cost)) in rows {
        table.row([
            pool.to_owned(),
            instance_type.to_owned(),
            capacity.to_owned(),
            dollars(price),
            nodes.to_string(),
            hours(time),
            dollars(cost),
        ]);
    }
    table
}
