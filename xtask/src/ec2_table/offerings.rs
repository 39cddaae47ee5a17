//! Which type is offered in which zone of which region.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::read_json;

const HEADER: &str = "\
# Where EC2 instance types are offered. Made by `cargo xtask ec2-table`; do not edit. Provenance:
# sources/README.md. A `region` line names a region and its zones with their ids ('-' where not known); a
# line per type has one cell per region, in that order: a hexadecimal number whose bit i stands for zone i.
";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Offering {
    instance_type: String,
    location: String,
}

/// Types by zone or zone id.
type Offered = BTreeMap<String, BTreeSet<String>>;

struct Region {
    name: String,
    by_zone: Offered,
    by_zone_id: Offered,
}

impl Region {
    /// The id of a zone: the one under which exactly the same types are offered, if there is just
    /// one. (Names are an account's own, so that no fixed table says it.)
    fn zone_id(&self, zone: &str) -> Option<&str> {
        let types = &self.by_zone[zone];
        let twins = self
            .by_zone
            .values()
            .filter(|others| *others == types)
            .count();
        let mut ids = self
            .by_zone_id
            .iter()
            .filter(|(_, others)| *others == types);
        match (ids.next(), ids.next()) {
            (Some((id, _)), None) if twins == 1 => Some(id),
            _ => None,
        }
    }

    fn line(&self) -> String {
        let zones: Vec<String> = self
            .by_zone
            .keys()
            .map(|zone| format!("{zone}={}", self.zone_id(zone).unwrap_or("-")))
            .collect();
        format!("region\t{}\t{}", self.name, zones.join(" "))
    }

    fn mask(&self, instance_type: &str) -> u32 {
        let zones = self.by_zone.values().enumerate();
        zones
            .filter(|(_, types)| types.contains(instance_type))
            .map(|(bit, _)| 1 << bit)
            .sum()
    }
}

/// The table: comments, a line per region, a line per type.
pub(super) fn table(folder: &Path, types: &[&str]) -> Result<String> {
    let regions = regions(folder)?;
    let mut text = HEADER.to_owned();
    for region in &regions {
        // Writing to a string cannot fail, here and below.
        let _ = writeln!(text, "{}", region.line());
    }
    for name in types {
        let masks = regions.iter().map(|region| match region.mask(name) {
            0 => "-".to_owned(),
            mask => format!("{mask:x}"),
        });
        let masks: Vec<String> = masks.collect();
        let _ = writeln!(text, "{name}\t{}", masks.join(" "));
    }
    Ok(text)
}

fn regions(folder: &Path) -> Result<Vec<Region>> {
    let by_zone = folder.join("availability-zone");
    let mut names = Vec::new();
    for entry in fs::read_dir(&by_zone).with_context(|| format!("reading {}", by_zone.display()))? {
        let name = entry?.file_name();
        names.extend(
            name.to_string_lossy()
                .strip_suffix(".json.gz")
                .map(str::to_owned),
        );
    }
    names.sort();
    names.into_iter().map(|name| region(folder, name)).collect()
}

fn region(folder: &Path, name: String) -> Result<Region> {
    let offered = |kind: &str| -> Result<Offered> {
        let offerings: Vec<Offering> =
            read_json(&folder.join(kind).join(format!("{name}.json.gz")))?;
        let mut offered = Offered::new();
        for offering in offerings {
            offered
                .entry(offering.location)
                .or_default()
                .insert(offering.instance_type);
        }
        Ok(offered)
    };
    let (by_zone, by_zone_id) = (
        offered("availability-zone")?,
        offered("availability-zone-id")?,
    );
    Ok(Region {
        name,
        by_zone,
        by_zone_id,
    })
}
