//! `cargo xtask scenarios`: which of the specified scenarios are named by a test.
//!
//! A test names a scenario in its doc comment, by its id: `SCH-17`, `LC-03`. What is *not* here:
//! whether the test does what the scenario says.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use clap::Args;

const LIST: &str = include_str!("../data/scenarios.txt");

/// What to show.
#[derive(Debug, Clone, Args)]
pub(crate) struct Scenarios {
    /// Only one area: scheduling, lifecycle, aws.
    area: Option<String>,
    /// List the scenarios that tests name, with the files, and not those that none names.
    #[arg(long)]
    named: bool,
    /// Only the counts.
    #[arg(long, conflicts_with = "named")]
    counts: bool,
}

/// A part of the product.
#[derive(Debug, Default)]
struct Area {
    name: String,
    sections: Vec<Section>,
}

/// Scenarios of one subject.
#[derive(Debug, Default)]
struct Section {
    title: String,
    scenarios: Vec<Scenario>,
}

/// Something that must hold.
#[derive(Debug)]
struct Scenario {
    id: String,
    text: String,
}

/// For each area and id the files that name it.
type Named = BTreeMap<(String, String), BTreeSet<String>>;

/// Prints the counts, and the scenarios that are asked for: those that no test names, unless
/// another list is asked for.
pub(crate) fn run(root: &Path, options: &Scenarios) -> Result<()> {
    let areas = areas(LIST);
    let mut named = Named::new();
    for folder in ["crates", "xtask"] {
        collect(root, &root.join(folder), &areas, &mut named)?;
    }
    let wanted = |area: &&Area| options.area.as_ref().is_none_or(|name| *name == area.name);
    let mut shown = areas.iter().filter(wanted).peekable();
    if shown.peek().is_none() {
        let known: Vec<&str> = areas.iter().map(|area| area.name.as_str()).collect();
        bail!("there is no such area; there are {}", known.join(", "));
    }
    for area in shown {
        show(area, &named, options);
    }
    Ok(())
}

fn show(area: &Area, named: &Named, options: &Scenarios) {
    let files = |scenario: &Scenario| named.get(&(area.name.clone(), scenario.id.clone()));
    let count = |scenarios: &[Scenario]| scenarios.iter().filter(|s| files(s).is_some()).count();
    let all: usize = area
        .sections
        .iter()
        .map(|section| section.scenarios.len())
        .sum();
    let of_all: usize = area
        .sections
        .iter()
        .map(|section| count(&section.scenarios))
        .sum();
    println!(
        "{}: {of_all} of {all} scenarios are named by a test",
        area.name
    );
    for section in &area.sections {
        let scenarios = &section.scenarios;
        println!(
            "{:>5} of {:>3}  {}",
            count(scenarios),
            scenarios.len(),
            section.title
        );
        if options.counts {
            continue;
        }
        for scenario in scenarios {
            match files(scenario) {
                Some(files) if options.named => {
                    let files: Vec<&str> = files.iter().map(String::as_str).collect();
                    println!("              {:<8} {}", scenario.id, files.join(", "));
                }
                None if !options.named => {
                    println!("              {:<8} {}", scenario.id, scenario.text);
                }
                _ => {}
            }
        }
    }
}

/// Areas in brackets, sections behind `=`, scenarios as id and text.
fn areas(list: &str) -> Vec<Area> {
    let mut areas: Vec<Area> = Vec::new();
    let lines = list.lines().map(str::trim).filter(|line| !line.is_empty());
    for line in lines.filter(|line| !line.starts_with('#')) {
        if let Some(name) = line
            .strip_prefix('[')
            .and_then(|line| line.strip_suffix(']'))
        {
            let name = name.to_owned();
            areas.push(Area {
                name,
                ..Area::default()
            });
            continue;
        }
        let Some(area) = areas.last_mut() else {
            continue;
        };
        if let Some(title) = line.strip_prefix("= ") {
            let title = title.to_owned();
            area.sections.push(Section {
                title,
                ..Section::default()
            });
            continue;
        }
        if area.sections.is_empty() {
            area.sections.push(Section::default());
        }
        let (id, text) = line.split_once(' ').unwrap_or((line, ""));
        if let Some(section) = area.sections.last_mut() {
            let (id, text) = (id.to_owned(), text.to_owned());
            section.scenarios.push(Scenario { id, text });
        }
    }
    areas
}

impl Area {
    fn holds(&self, id: &str) -> bool {
        let mut all = self.sections.iter().flat_map(|section| &section.scenarios);
        all.any(|scenario| scenario.id == id)
    }
}

fn collect(root: &Path, folder: &Path, areas: &[Area], named: &mut Named) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            collect(root, &path, areas, named)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let file = path
                .strip_prefix(root)
                .unwrap_or(&path)
                .display()
                .to_string();
            add(&file, &fs::read_to_string(&path)?, areas, named);
        }
    }
    Ok(())
}

/// Adds the ids that doc comments above tests name.
fn add(file: &str, text: &str, areas: &[Area], named: &mut Named) {
    let mut docs = String::new();
    for line in text.lines().map(str::trim) {
        if let Some(comment) = line.strip_prefix("///") {
            docs.push_str(comment);
        } else if line.starts_with("#[") {
            if is_test_attribute(line) {
                for id in ids(&docs) {
                    if let Some(area) = area_of(file, id, areas) {
                        let files = named.entry((area.to_owned(), id.to_owned())).or_default();
                        files.insert(file.to_owned());
                    }
                }
            }
        } else {
            docs.clear();
        }
    }
}

fn is_test_attribute(line: &str) -> bool {
    line.starts_with("#[test]") || line.contains("::test]") || line.contains("::test(")
}

/// Words like `SCH-17`.
fn ids(docs: &str) -> impl Iterator<Item = &str> {
    let words = docs.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    words.filter(|word| {
        word.split_once('-').is_some_and(|(prefix, number)| {
            prefix.len() > 1
                && prefix.chars().all(|c| c.is_ascii_uppercase())
                && number.starts_with(|c: char| c.is_ascii_digit())
        })
    })
}

/// The area of an id. A few ids are in two areas: those of the cloud belong to its crates.
fn area_of<'a>(file: &str, id: &str, areas: &'a [Area]) -> Option<&'a str> {
    let holding = areas.iter().filter(|area| area.holds(id));
    let mut found = holding.map(|area| area.name.as_str());
    let first = found.next()?;
    let is_cloud = file.starts_with("crates/provider-aws/") || file.starts_with("crates/catalog/");
    Some(if is_cloud {
        found.next().unwrap_or(first)
    } else {
        first
    })
}

#[cfg(test)]
mod tests {
    use super::{LIST, Named, add, areas};

    fn named(file: &str, text: &str) -> Vec<(String, String)> {
        let areas = areas("# ids\n[one]\n= First\nAB-1 a text\nCD-10\n\n[two]\nCD-10\n");
        let mut named = Named::new();
        add(file, text, &areas, &mut named);
        named.into_keys().collect()
    }

    fn key(area: &str, id: &str) -> (String, String) {
        (area.to_owned(), id.to_owned())
    }

    #[test]
    fn ids_count_in_the_doc_comments_of_tests_alone() {
        let test = "/// AB-1, CD-10: something.\n#[test]\nfn a() {}\n";
        assert_eq!(
            named("crates/a/b.rs", test),
            [key("one", "AB-1"), key("one", "CD-10")]
        );
        assert_eq!(
            named("crates/a/b.rs", "/// AB-1\nfn a() {}\n// AB-1\n#[test]\n"),
            []
        );
        let asynchronous = "/// AB-1\n#[tokio::test(start_paused = true)]\nasync fn a() {}\n";
        assert_eq!(named("crates/a/b.rs", asynchronous), [key("one", "AB-1")]);
    }

    #[test]
    fn an_id_of_two_areas_belongs_to_the_one_of_its_crate() {
        let test = "/// CD-10\n#[test]\nfn a() {}\n";
        assert_eq!(
            named("crates/provider-aws/src/a.rs", test),
            [key("two", "CD-10")]
        );
    }

    #[test]
    fn the_list_holds_three_areas_with_a_text_for_each_scenario() {
        let areas = areas(LIST);
        let sizes: Vec<(&str, usize)> = areas
            .iter()
            .map(|area| {
                let sections = area.sections.iter();
                (
                    area.name.as_str(),
                    sections.map(|section| section.scenarios.len()).sum(),
                )
            })
            .collect();
        assert_eq!(
            sizes,
            [("scheduling", 303), ("lifecycle", 281), ("aws", 371)]
        );
        let sections = areas.iter().flat_map(|area| &area.sections);
        for scenario in sections.flat_map(|section| &section.scenarios) {
            assert!(!scenario.text.is_empty(), "{}", scenario.id);
        }
    }
}
