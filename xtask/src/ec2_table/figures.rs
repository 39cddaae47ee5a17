//! The figures that no describe call has: prices, branch interfaces, bandwidth.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

/// The columns that are read, in the order in which [`Figures::cells`] gives them.
const COLUMNS: [&str; 7] = [
    "network_mbps",
    "branch_interfaces",
    "trunking",
    "price_us_east_1",
    "price_us_gov_east_1",
    "price_us_gov_west_1",
    "price_cn_north_1",
];

/// Figures by instance type.
pub(super) struct Figures(BTreeMap<String, Vec<String>>);

impl Figures {
    /// Bandwidth in Mbit/s, branch interfaces, trunking, and four prices; `-` for what is not
    /// known.
    pub(super) fn cells(&self, name: &str) -> Vec<String> {
        self.0
            .get(name)
            .cloned()
            .unwrap_or_else(|| vec!["-".to_owned(); COLUMNS.len()])
    }
}

/// Reads the CSV file, which has no quoted cells.
pub(super) fn read(path: &Path) -> Result<Figures> {
    let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    let index = |name: &str| {
        let found = header.iter().position(|column| *column == name);
        found.with_context(|| format!("{} has no column {name}", path.display()))
    };
    let key = index("instance_type")?;
    let wanted = COLUMNS
        .map(index)
        .into_iter()
        .collect::<Result<Vec<usize>>>()?;
    let mut figures = BTreeMap::new();
    for line in lines {
        let cells: Vec<&str> = line.split(',').collect();
        ensure!(
            cells.len() == header.len(),
            "{}: {line:?} has a cell too many or few",
            path.display()
        );
        let or_dash = |index: &usize| match cells[*index] {
            "" => "-".to_owned(),
            cell => cell.to_owned(),
        };
        figures.insert(cells[key].to_owned(), wanted.iter().map(or_dash).collect());
    }
    Ok(Figures(figures))
}
