//! Explanations for people.

use view::format::{count, dollars, names, thousands};
use view::{Align, Paint, Style, Table};

use super::Explanation;
use super::node::NodeExplanation;
use super::pod::{Placed, PodExplanation};
use super::pool::PoolExplanation;

/// How many lines of one kind are printed before the rest is only counted.
const LINES: usize = 40;

pub(super) fn render(explanation: &Explanation, price_source: &str, style: Style) -> String {
    let mut page = Page {
        text: String::new(),
        style,
    };
    match explanation {
        Explanation::Pod(explained) => pod(explained, &mut page),
        Explanation::Node(explained) => node(explained, &mut page),
        Explanation::Pool(explained) => pool(explained, &mut page),
    }
    page.line(&style.paint(Paint::Dim, price_source));
    page.text
}

struct Page {
    text: String,
    style: Style,
}

impl Page {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn title(&mut self, what: &str, summary: &str, paint: Paint) {
        let what = self.style.paint(Paint::Title, what);
        let summary = self.style.paint(paint, summary);
        self.line(&format!("{what} {summary}"));
    }

    /// Names and values, the values one below the other.
    fn fields(&mut self, fields: &[(&str, Option<String>)]) {
        let known = fields
            .iter()
            .filter_map(|(name, value)| Some((name, value.as_ref()?)));
        let known: Vec<_> = known.filter(|(_, value)| !value.is_empty()).collect();
        let width = known.iter().map(|(name, _)| name.len()).max().unwrap_or(0) + 1;
        for (name, value) in known {
            let name = format!("{name}:");
            self.line(&format!("  {name:<width$}  {value}"));
        }
    }

    fn table(&mut self, table: &Table) {
        if !table.is_empty() {
            self.text.push('\n');
            let text = table.render(self.style);
            self.text.push_str(&text);
        }
    }

    fn more(&mut self, total: usize, noun: &str) {
        if total > LINES {
            let rest = count(total - LINES, noun);
            self.line(&format!("  ... and {rest} more (-o json lists all)"));
        }
    }
}

fn pod(explained: &PodExplanation, page: &mut Page) {
    let paint = if explained.is_without_place() {
        Paint::Bad
    } else {
        Paint::Good
    };
    page.title(&format!("pod/{}", explained.pod), &explained.summary, paint);
    let requests = explained.requests.iter();
    let requests = requests.filter(|(name, _)| *name != "pods");
    let requests: Vec<String> = requests
        .map(|(name, amount)| format!("{amount} {name}"))
        .collect();
    let place = explained.place.as_ref();
    page.fields(&[
        ("requests", Some(requests.join(", "))),
        ("node", place.map(machine)),
        ("price", place.and_then(price_line)),
        ("types", place.and_then(types_line)),
    ]);
    for preference in &explained.preferences {
        let (paint, verdict) = if preference.met {
            (Paint::Good, "met")
        } else {
            (Paint::Warn, "given up")
        };
        let verdict = page.style.paint(paint, verdict);
        page.line(&format!("  prefers {}: {verdict}", preference.wish));
    }
    let mut table = Table::new(&[
        ("CANDIDATE", Align::Left),
        ("TAKES IT", Align::Left),
        ("$/HOUR", Align::Right),
        ("WHY", Align::Left),
    ]);
    for answer in explained.candidates.iter().take(LINES) {
        let (paint, takes) = if answer.takes {
            (Paint::Good, "yes")
        } else {
            (Paint::Warn, "no")
        };
        table.row([
            answer.candidate.clone(),
            page.style.paint(paint, takes),
            answer.price_per_hour.map(dollars).unwrap_or_default(),
            answer.reason.clone(),
        ]);
    }
    page.table(&table);
    page.more(explained.candidates.len(), "candidate");
}

fn machine(place: &Placed) -> String {
    let parts = [
        place.instance_type.as_deref(),
        place.zone.as_deref(),
        place.capacity_type.as_deref(),
    ];
    let parts: Vec<&str> = parts.into_iter().flatten().collect();
    let pods = count(place.pods, "pod");
    match parts.as_slice() {
        [] => format!("{} with {pods}", place.node),
        parts => format!("{} ({}) with {pods}", place.node, parts.join(", ")),
    }
}

fn price_line(place: &Placed) -> Option<String> {
    let price = dollars(place.price_per_hour?);
    Some(match place.pod_price_per_hour {
        Some(part) if place.pods > 1 => {
            format!("{price} an hour, {} of it for this pod", dollars(part))
        }
        _ => format!("{price} an hour"),
    })
}

fn types_line(place: &Placed) -> Option<String> {
    let named = place.cheapest_types.join(", ");
    Some(match place.types? - place.cheapest_types.len() {
        0 => named,
        rest => format!("{named} and {} more, cheapest first", thousands(rest)),
    })
}

fn node(explained: &NodeExplanation, page: &mut Page) {
    let goes = explained.disruption.goes;
    let paint = if goes { Paint::Warn } else { Paint::Good };
    page.title(
        &format!("node/{}", explained.node),
        &explained.summary,
        paint,
    );
    let price = explained.price_per_hour.zip(explained.price_per_month);
    let shown: Vec<&str> = [
        &explained.instance_type,
        &explained.zone,
        &explained.capacity_type,
    ]
    .into_iter()
    .filter_map(|part| part.as_deref())
    .collect();
    page.fields(&[
        ("nodepool", explained.node_pool.clone()),
        ("nodeclaim", explained.node_claim.clone()),
        ("machine", Some(shown.join(", "))),
        ("phase", Some(explained.phase.to_owned())),
        (
            "price",
            price.map(|(hour, month)| {
                format!("{} an hour, {} a month", dollars(hour), dollars(month))
            }),
        ),
        (
            "saved if it goes",
            explained
                .disruption
                .saves_per_hour
                .map(|amount| format!("{} an hour", dollars(amount))),
        ),
        ("taints", Some(explained.taints.join(", "))),
        (
            "coming",
            Some(names(explained.coming.iter().map(String::as_str), 5)),
        ),
    ]);
    page.table(&fill_of(explained));
    page.table(&pods_of(explained));
    page.more(explained.pods.len(), "pod");
}

/// How full a node is, by resource.
fn fill_of(explained: &NodeExplanation) -> Table {
    let mut fill = Table::new(&[
        ("RESOURCE", Align::Left),
        ("REQUESTED", Align::Right),
        ("ALLOCATABLE", Align::Right),
        ("FULL", Align::Right),
    ]);
    for row in &explained.fill {
        let (requested, allocatable) = (row.requested.to_string(), row.allocatable.to_string());
        fill.row([
            row.resource.clone(),
            requested,
            allocatable,
            format!("{:.0}%", row.percent),
        ]);
    }
    fill
}

/// The pods of a node, and what becomes of them.
fn pods_of(explained: &NodeExplanation) -> Table {
    let mut pods = Table::new(&[
        ("POD", Align::Left),
        ("CPU", Align::Right),
        ("MEMORY", Align::Right),
        ("IF THE NODE GOES", Align::Left),
    ]);
    for pod in explained.pods.iter().take(LINES) {
        let fate = if pod.moves {
            "needs a place"
        } else {
            "goes with it"
        };
        pods.row([
            pod.pod.clone(),
            pod.cpu.to_string(),
            pod.memory.to_string(),
            fate.to_owned(),
        ]);
    }
    pods
}

fn pool(explained: &PoolExplanation, page: &mut Page) {
    let usable = explained.problem.is_none() && explained.types.admitted > 0;
    let paint = if usable { Paint::Good } else { Paint::Bad };
    page.title(
        &format!("nodepool/{}", explained.node_pool),
        &explained.summary,
        paint,
    );
    let launches = &explained.launches;
    let launches = (launches.nodes > 0).then(|| {
        let types = launches
            .types
            .iter()
            .map(|(ty, number)| format!("{number} {ty}"));
        let types: Vec<String> = types.collect();
        format!(
            "{} for {} at {} an hour: {}",
            count(launches.nodes, "node"),
            count(launches.pods, "pod"),
            dollars(launches.price_per_hour),
            names(types.iter().map(String::as_str), 5)
        )
    });
    let nodes: usize = explained.nodes.values().sum();
    let without = explained.types.without_offering;
    let budgets = explained.budgets.iter().map(|budget| {
        let allowed = budget
            .allowed
            .map_or_else(|| "any".to_owned(), |number| number.to_string());
        format!("{} {allowed}", budget.reason)
    });
    page.fields(&[
        ("weight", Some(explained.weight.to_string())),
        ("taints", Some(explained.taints.join(", "))),
        (
            "nodes",
            (nodes > 0).then(|| {
                format!(
                    "{} at {} an hour",
                    thousands(nodes),
                    dollars(explained.price_per_hour)
                )
            }),
        ),
        ("would launch now", launches),
        (
            "may be going at once",
            Some(budgets.collect::<Vec<_>>().join(", ")),
        ),
        (
            "cannot be had",
            (without > 0).then(|| {
                format!(
                    "{} in the zones and capacity types that are left",
                    count(without, "type")
                )
            }),
        ),
    ]);
    page.table(&filters_of(explained));
    page.table(&limits_of(explained));
    page.table(&cheapest_of(explained));
}

/// What keeps instance types out of a pool.
fn filters_of(explained: &PoolExplanation) -> Table {
    let mut filters = Table::new(&[
        ("REQUIREMENT", Align::Left),
        ("KEEPS OUT", Align::Right),
        ("ADMITTED WITHOUT IT", Align::Right),
    ]);
    for filter in &explained.types.filters {
        filters.row([
            filter.requirement.clone(),
            thousands(filter.keeps_out),
            format!("+{}", thousands(filter.alone_keeps_out)),
        ]);
    }
    filters
}

/// A pool's limits, and what of them is used.
fn limits_of(explained: &PoolExplanation) -> Table {
    let mut limits = Table::new(&[
        ("LIMIT", Align::Left),
        ("USED", Align::Right),
        ("OF", Align::Right),
    ]);
    for limit in &explained.limits {
        limits.row([
            limit.resource.clone(),
            limit.used.to_string(),
            limit.most.to_string(),
        ]);
    }
    limits
}

/// The cheapest types of a pool.
fn cheapest_of(explained: &PoolExplanation) -> Table {
    let mut cheapest = Table::new(&[
        ("CHEAPEST TYPES", Align::Left),
        ("ZONE", Align::Left),
        ("CAPACITY", Align::Left),
        ("$/HOUR", Align::Right),
    ]);
    for ty in &explained.types.cheapest {
        let (name, zone) = (ty.instance_type.clone(), ty.zone.clone());
        cheapest.row([
            name,
            zone,
            ty.capacity_type.clone(),
            dollars(ty.price_per_hour),
        ]);
    }
    cheapest
}
