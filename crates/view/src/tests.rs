use std::time::Duration;

use crate::format::{clock, count, dollars, names, span, thousands};
use crate::{Align, Paint, Style, Table};

#[test]
fn columns_are_as_wide_as_their_widest_cell_and_lines_end_without_spaces() {
    let mut table = Table::new(&[("NODE", Align::Left), ("PODS", Align::Right)]);
    table.row(["a-long-name".to_owned(), "7".to_owned()]);
    table.row(["b".to_owned(), "12".to_owned()]);
    assert_eq!(
        table.render(Style::Plain),
        "NODE         PODS\na-long-name     7\nb              12\n"
    );
}

#[test]
fn colours_do_not_count_as_width() {
    let mut table = Table::new(&[("A", Align::Left), ("B", Align::Left)]);
    table.row([Style::Colour.paint(Paint::Good, "ok"), "x".to_owned()]);
    table.row(["long".to_owned(), "y".to_owned()]);
    let text = table.render(Style::Plain);
    assert!(
        text.contains("\u{1b}[32mok\u{1b}[0m    x\nlong  y\n"),
        "{text:?}"
    );
}

#[test]
fn short_rows_are_filled_up() {
    let mut table = Table::new(&[("A", Align::Left), ("B", Align::Left)]);
    table.row(["only".to_owned()]);
    assert_eq!(table.render(Style::Plain), "A     B\nonly\n");
}

#[test]
fn amounts_have_the_digits_that_matter() {
    let shown: Vec<_> = [0.0, 0.0416, 1.5, 99.999, 1234.5].map(dollars).to_vec();
    assert_eq!(shown, ["$0.00", "$0.0416", "$1.50", "$100.00", "$1234"]);
}

#[test]
fn spans_and_clocks_read_like_a_stopwatch() {
    let seconds = Duration::from_secs;
    let shown: Vec<_> = [0, 45, 125, 12_000, 352_800]
        .map(seconds)
        .map(span)
        .to_vec();
    assert_eq!(shown, ["0s", "45s", "2m05s", "3h20m", "4d02h"]);
    assert_eq!(span(Duration::from_millis(950)), "950ms");
    assert_eq!(clock(seconds(725)), "00:12:05");
    assert_eq!(clock(seconds(90_061)), "1d 01:01:01");
}

#[test]
fn counts_and_lists_are_words() {
    assert_eq!(count(1, "node"), "1 node");
    assert_eq!(count(12_345, "pod"), "12,345 pods");
    assert_eq!(thousands(1_000_000), "1,000,000");
    assert_eq!(names(["a", "b", "c"].into_iter(), 2), "a, b and 1 more");
    assert_eq!(names(["a", "b"].into_iter(), 2), "a, b");
}
