//! Tables in Markdown.

use crate::cases::{Case, Question, Reference};
use crate::look::Looked;
use crate::measure::{Measured, Solved};

/// The head of the table that a case is in.
pub(crate) fn head(case: &Case) -> String {
    match case.question {
        Question::Placement => head_of_placements(case.title),
        Question::Look { .. } => head_of(
            case.title,
            &[
                "case",
                "pods",
                "types",
                "nodes",
                "decode",
                "look",
                "again",
                "bar",
                "commands",
                "nodes gone",
                "new",
                "saved",
                "held",
                "peak",
                "reference",
            ],
        ),
    }
}

fn head_of_placements(title: &str) -> String {
    let columns = [
        "case",
        "pods",
        "shapes",
        "types",
        "nodes",
        "decode",
        "index",
        "single",
        "again",
        "claims, price",
        "live",
        "again",
        "claims, price",
        "held",
        "peak",
        "reference",
    ];
    head_of(title, &columns)
}

fn head_of(title: &str, columns: &[&str]) -> String {
    let rule = columns.iter().map(|column| match *column {
        "case" | "reference" => "---",
        _ => "---:",
    });
    let rule: Vec<&str> = rule.collect();
    format!(
        "\n{title}\n\n| {} |\n|{}|",
        columns.join(" | "),
        rule.join("|")
    )
}

/// A row of a table.
pub(crate) fn row(case: &Case, measured: &Measured) -> String {
    let cells = [
        case.name.clone(),
        count(measured.pods),
        count(measured.shapes),
        count(measured.types),
        count(measured.nodes),
        time(measured.decode_ms),
        time(measured.index_ms),
        time(measured.single.ms),
        time(measured.single_again_ms),
        plan(&measured.single),
        time(measured.live.ms),
        time(measured.live_again_ms),
        plan(&measured.live),
        format!("{:.0} MiB", measured.held_mib),
        format!("{:.0} MiB", measured.peak_mib),
        case.reference.as_ref().map_or_else(String::new, reference),
    ];
    format!("| {} |", cells.join(" | "))
}

/// A row of a table of looks.
pub(crate) fn look_row(case: &Case, looked: &Looked) -> String {
    let bar = match case.question {
        Question::Look { bar_ms: Some(bar) } => format!("{bar:.0} ms"),
        _ => String::new(),
    };
    let cells = [
        case.name.clone(),
        count(looked.pods),
        count(looked.types),
        count(looked.nodes),
        time(looked.decode_ms),
        time(looked.look_ms),
        time(looked.again_ms),
        bar,
        count(looked.commands),
        count(looked.gone),
        count(looked.new),
        price(looked.saved),
        format!("{:.0} MiB", looked.held_mib),
        format!("{:.0} MiB", looked.peak_mib),
        case.reference.as_ref().map_or_else(String::new, reference),
    ];
    format!("| {} |", cells.join(" | "))
}

fn plan(solved: &Solved) -> String {
    let left = match solved.unplaced {
        0 => String::new(),
        pods => format!(", {} without place", count(pods)),
    };
    format!("{}, {}{left}", count(solved.claims), price(solved.price))
}

fn reference(reference: &Reference) -> String {
    let mut parts = vec![format!("{} s", reference.seconds)];
    if let Some((dollars, claims)) = reference.plan {
        parts.push(format!("{} claims, {}", count(claims), price(dollars)));
    }
    parts.extend(reference.mib.map(|mib| format!("{mib} MiB")));
    parts.join(", ")
}

fn price(dollars: f64) -> String {
    if dollars >= 1_000.0 {
        count(dollars.round() as usize)
    } else {
        format!("{dollars:.2}")
    }
}

fn time(milliseconds: f64) -> String {
    if milliseconds >= 100.0 {
        format!("{milliseconds:.0} ms")
    } else {
        format!("{milliseconds:.1} ms")
    }
}

/// A number with a comma before each group of three digits.
fn count(number: usize) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|group| std::str::from_utf8(group).unwrap_or_default())
        .collect();
    groups.join(",")
}

#[cfg(test)]
mod tests {
    use super::{count, price, time};

    #[test]
    fn figures_are_short() {
        assert_eq!(
            [0, 999, 1_000, 1_234_567].map(count),
            ["0", "999", "1,000", "1,234,567"]
        );
        assert_eq!(
            [0.1234, 999.0, 7_153.4].map(price),
            ["0.12", "999.00", "7,153"]
        );
        assert_eq!(
            [0.04, 99.94, 123.4].map(time),
            ["0.0 ms", "99.9 ms", "123 ms"]
        );
    }
}
