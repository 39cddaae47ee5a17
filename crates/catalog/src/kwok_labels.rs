//! Labels that the KWOK provider derives from a type's name and size.

use model::ResourceList;
use model::resources::{self, CPU, MEMORY};
use requirements::Requirement;

/// `karpenter.kwok.sh/instance-size`, `-family`, `-cpu` and `-memory` of a type.
pub(crate) fn derived(name: &str, capacity: &ResourceList) -> [Requirement; 4] {
    let cpu = resources::get(capacity, CPU).to_string();
    let memory = resources::get(capacity, MEMORY).to_string();
    let size = size(name).map_or_else(|| cpu.clone(), str::to_owned);
    [
        Requirement::single("karpenter.kwok.sh/instance-size", size),
        Requirement::single("karpenter.kwok.sh/instance-family", family(name)),
        Requirement::single("karpenter.kwok.sh/instance-cpu", cpu),
        Requirement::single("karpenter.kwok.sh/instance-memory", memory),
    ]
}

/// The size in a name that is formed like EC2's: one word, a dot, a known size.
fn size(name: &str) -> Option<&str> {
    let (word, size) = name.split_once('.')?;
    let is_word = !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let is_size = matches!(
        size,
        "nano" | "micro" | "small" | "medium" | "large" | "metal"
    ) || size
        .strip_suffix("xlarge")
        .is_some_and(|times| times.bytes().all(|b| b.is_ascii_digit()));
    (is_word && is_size).then_some(size)
}

/// What stands before the first dot or hyphen, or else the first character.
fn family(name: &str) -> &str {
    match name.find(['.', '-']) {
        Some(end) => &name[..end],
        None => name
            .char_indices()
            .nth(1)
            .map_or(name, |(end, _)| &name[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_from_names_like_those_of_ec2() {
        for (name, expected) in [
            ("m5.large", Some("large")),
            ("m5.xlarge", Some("xlarge")),
            ("m5.24xlarge", Some("24xlarge")),
            ("m5.metal", Some("metal")),
            ("m5.metal-48xl", None),
            ("m7i-flex.large", None),
            ("c-4x-amd64-linux", None),
            (".large", None),
            ("large", None),
        ] {
            assert_eq!(size(name), expected, "{name}");
        }
    }

    #[test]
    fn families_end_at_the_first_dot_or_hyphen() {
        for (name, expected) in [
            ("m5.large", "m5"),
            ("m7i-flex.large", "m7i"),
            ("c-4x-amd64-linux", "c"),
            ("plain", "p"),
            ("", ""),
        ] {
            assert_eq!(family(name), expected, "{name}");
        }
    }

    #[test]
    fn cpu_and_memory_are_canonical_texts() {
        let capacity = ResourceList::from([
            ("cpu".to_owned(), "4000m".parse().unwrap()),
            ("memory".to_owned(), "16384Mi".parse().unwrap()),
        ]);
        let texts: Vec<String> = derived("m-4x", &capacity)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            texts,
            [
                "karpenter.kwok.sh/instance-size In [4]",
                "karpenter.kwok.sh/instance-family In [m]",
                "karpenter.kwok.sh/instance-cpu In [4]",
                "karpenter.kwok.sh/instance-memory In [16Gi]",
            ]
        );
    }
}
