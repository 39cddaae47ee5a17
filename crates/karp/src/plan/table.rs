//! The plan for people.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use view::format::{count, dollars, thousands};
use view::{Align, Paint, Style, Table};

use super::document::{Claim, Disruption, Document, Provisioning};

/// How many lines of one kind are printed before the rest is only counted.
const LINES: usize = 40;

pub(crate) fn render(document: &Document<'_>, price_source: &str, style: Style) -> String {
    let mut text = String::new();
    if let Some(part) = &document.provisioning {
        provisioning(part, price_source, style, &mut text);
    }
    if let Some(part) = &document.disruption
        && !(part.commands.is_empty() && part.kept.is_empty())
    {
        if !text.is_empty() {
            text.push('\n');
        }
        disruption(part, style, &mut text);
    }
    text
}

fn line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

fn provisioning(part: &Provisioning<'_>, price_source: &str, style: Style, text: &mut String) {
    let on_new: usize = part
        .new_node_claims
        .iter()
        .map(|claim| claim.planned.pods.len())
        .sum();
    let on_old: usize = part
        .existing_nodes
        .iter()
        .map(|node| node.pods.0.len())
        .sum();
    let pods = on_new + on_old + part.unschedulable.len();
    if pods == 0 {
        line(text, "No pod is waiting for a node.");
        return;
    }
    let mut title = count(pods, "pending pod");
    if !part.new_node_claims.is_empty() {
        let price = dollars(part.price_per_hour);
        let nodes = count(part.new_node_claims.len(), "new node");
        let _ = write!(title, ": {nodes} for {price} an hour");
        if let Some(bound) = part.lower_bound_per_hour {
            let _ = write!(title, " (no placement costs less than {})", dollars(bound));
        }
    }
    line(text, &style.paint(Paint::Title, &title));
    if !part.new_node_claims.is_empty() {
        text.push('\n');
        text.push_str(&claims(&part.new_node_claims).render(style));
        line(text, &style.paint(Paint::Dim, price_source));
    }
    if !part.existing_nodes.is_empty() {
        text.push('\n');
        let mut table = Table::new(&[("EXISTING NODE", Align::Left), ("NEW PODS", Align::Right)]);
        for node in part.existing_nodes.iter().take(LINES) {
            table.row([node.name.to_owned(), thousands(node.pods.0.len())]);
        }
        text.push_str(&table.render(style));
        more(part.existing_nodes.len(), "node", text);
    }
    unschedulable(part, style, text);
}

/// Claims that would look the same are one row with a count.
fn claims(claims: &[Claim<'_>]) -> Table {
    let mut groups: BTreeMap<(usize, String), (usize, &Claim<'_>)> = BTreeMap::new();
    let mut order: BTreeMap<String, usize> = BTreeMap::new();
    for claim in claims {
        let planned = claim.planned;
        let key = format!(
            "{}|{}|{}|{}|{}|{:?}",
            planned.pool,
            planned.launch.instance_type,
            planned.launch.zone,
            planned.launch.capacity_type,
            planned.pods.len(),
            planned.requests
        );
        let next = order.len();
        let place = *order.entry(key.clone()).or_insert(next);
        groups.entry((place, key)).or_insert((0, claim)).0 += 1;
    }
    let mut table = Table::new(&[
        ("NODES", Align::Right),
        ("NODEPOOL", Align::Left),
        ("TYPE", Align::Left),
        ("ZONE", Align::Left),
        ("CAPACITY", Align::Left),
        ("$/HOUR", Align::Right),
        ("PODS", Align::Right),
        ("CPU", Align::Right),
        ("MEMORY", Align::Right),
        ("WHY", Align::Left),
    ]);
    for (number, claim) in groups.values().take(LINES) {
        let claim = claim.planned;
        let amount = |name: &str| {
            claim
                .requests
                .get(name)
                .map_or_else(|| "0".to_owned(), ToString::to_string)
        };
        table.row([
            thousands(*number),
            claim.pool.to_string(),
            claim.launch.instance_type.to_string(),
            claim.launch.zone.to_string(),
            claim.launch.capacity_type.to_string(),
            dollars(claim.launch.price.dollars()),
            thousands(claim.pods.len()),
            amount("cpu"),
            amount("memory"),
            format!("cheapest of {}", count(claim.instance_types.len(), "type")),
        ]);
    }
    if groups.len() > LINES {
        let rest: usize = groups.values().skip(LINES).map(|(number, _)| number).sum();
        table.row([thousands(rest), "more".to_owned()]);
    }
    table
}

fn unschedulable(part: &Provisioning<'_>, style: Style, text: &mut String) {
    if part.unschedulable.is_empty() {
        return;
    }
    text.push('\n');
    let title = format!("{} without a place", count(part.unschedulable.len(), "pod"));
    line(text, &style.paint(Paint::Bad, &title));
    let mut groups: BTreeMap<Vec<(&str, &str)>, Vec<String>> = BTreeMap::new();
    for pod in &part.unschedulable {
        let reasons: Vec<(&str, &str)> = match pod.why.rejections.as_slice() {
            [] => vec![("", pod.why.reason.as_str())],
            rejections => rejections
                .iter()
                .map(|rejection| (rejection.candidate.as_str(), rejection.reason.as_str()))
                .collect(),
        };
        groups.entry(reasons).or_default().push(pod.pod.to_string());
    }
    for (reasons, pods) in groups.iter().take(LINES) {
        line(
            text,
            &format!(
                "  {}",
                view::format::names(pods.iter().map(String::as_str), 3)
            ),
        );
        for (candidate, reason) in reasons {
            let separator = if candidate.is_empty() { "" } else { ": " };
            line(text, &format!("    {candidate}{separator}{reason}"));
        }
    }
    more(groups.len(), "reason", text);
}

fn disruption(part: &Disruption<'_>, style: Style, text: &mut String) {
    for command in &part.commands {
        let saving = command.price_per_hour_before - command.price_per_hour_after;
        let title = format!(
            "{} {} ({}), saves {} an hour",
            command.decision,
            count(command.candidates.len(), "node"),
            command.reason,
            dollars(saving)
        );
        line(text, &style.paint(Paint::Title, &title));
        for node in command.candidates.iter().take(LINES) {
            line(text, &format!("  {node}"));
        }
        more(command.candidates.len(), "node", text);
    }
    if !part.kept.is_empty() {
        let mut table = Table::new(&[("KEPT NODE", Align::Left), ("WHY", Align::Left)]);
        for kept in part.kept.iter().take(LINES) {
            table.row([kept.node.to_owned(), kept.reason.clone()]);
        }
        text.push_str(&table.render(style));
        more(part.kept.len(), "node", text);
    }
}

/// Says how many lines were left out.
fn more(total: usize, noun: &str, text: &mut String) {
    if total > LINES {
        line(
            text,
            &format!(
                "  ... and {} more (-o json lists all)",
                count(total - LINES, noun)
            ),
        );
    }
}
