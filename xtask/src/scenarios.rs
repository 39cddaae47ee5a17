//! `cargo xtask scenarios`: which of the specified scenarios are named by a test.
//!
//! A test names a scenario in its doc comment, by its id: `SCH-17`, `LC-03`. What is *not* here:
//! what the scenarios say.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use clap::Args;

const LIST: &str = include_str!("../data/scenarios.txt");

/// What to show.
#[derive(Debug, Clone, Args)]
pub(crate) struct Scenarios {
    /// List the ids that no test names.
    #[arg(long)]
    missing: bool,
    /// List the ids that tests name, with the files.
    #[arg(long)]
    named: bool,
}

/// The ids of each area, in order.
type Areas = Vec<(String, Vec<String>)>;
/// For each area and id the files that name it.
type Named = BTreeMap<(String, String), BTreeSet<String>>;

/// Prints the counts, and the lists that are asked for.
pub(crate) fn run(root: &Path, options: &Scenarios) -> Result<()> {
    let areas = areas(LIST);
    let mut named = Named::new();
    for folder in ["crates", "xtask"] {
        collect(root, &root.join(folder), &areas, &mut named)?;
    }
    for (area, ids) in &areas {
        let files = |id: &String| named.get(&(area.clone(), id.clone()));
        let count = ids.iter().filter(|id| files(id).is_some()).count();
        println!(
            "{area:<12} {count:>4} of {:>4} scenarios are named by a test",
            ids.len()
        );
        for id in ids {
            match files(id) {
                Some(files) if options.named => {
                    let files: Vec<&str> = files.iter().map(String::as_str).collect();
                    println!("  {id:<10} {}", files.join(", "));
                }
                None if options.missing => println!("  {id}"),
                _ => {}
            }
        }
    }
    Ok(())
}

fn areas(list: &str) -> Areas {
    let mut areas = Areas::new();
    let lines = list.lines().map(str::trim).filter(|line| !line.is_empty());
    for line in lines.filter(|line| !line.starts_with('#')) {
        if let Some(area) = line
            .strip_prefix('[')
            .and_then(|line| line.strip_suffix(']'))
        {
            areas.push((area.to_owned(), Vec::new()));
        } else if let Some((_, ids)) = areas.last_mut() {
            ids.push(line.to_owned());
        }
    }
    areas
}

fn collect(root: &Path, folder: &Path, areas: &Areas, named: &mut Named) -> Result<()> {
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
fn add(file: &str, text: &str, areas: &Areas, named: &mut Named) {
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
fn area_of<'a>(file: &str, id: &str, areas: &'a Areas) -> Option<&'a str> {
    let holds = |(_, ids): &&(String, Vec<String>)| ids.iter().any(|known| known == id);
    let mut found = areas.iter().filter(holds).map(|(area, _)| area.as_str());
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
        let areas = areas("# ids\n[one]\nAB-1\nCD-10\n\n[two]\nCD-10\n");
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
    fn the_list_holds_three_areas() {
        let areas = areas(LIST);
        let sizes: Vec<_> = areas
            .iter()
            .map(|(area, ids)| (area.as_str(), ids.len()))
            .collect();
        assert_eq!(
            sizes,
            [("scheduling", 303), ("lifecycle", 281), ("aws", 371)]
        );
    }
}
