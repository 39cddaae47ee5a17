//! What a build depends on, as one key.

use ring::digest::{Context, SHA256};

use super::build::{ENVIRONMENT, arguments};
use crate::keys;
use crate::program::Program;

/// The pinned modules.
pub(super) const GO_MOD: &str = include_str!("../../../../tools/control-plane/go.mod");
/// Their checksums.
pub(super) const GO_SUM: &str = include_str!("../../../../tools/control-plane/go.sum");

/// What is built and how, without the compiler.
pub(super) fn of_sources(programs: &[Program]) -> String {
    let environment = ENVIRONMENT.map(|(name, value)| format!("{name}={value}"));
    let command = [&arguments(programs)[..], &environment[..]].concat();
    digest(&[GO_MOD, GO_SUM, &command.join("\0")])
}

/// The name of the cache folder: sources, and what `go env GOVERSION GOOS GOARCH` says.
pub(super) fn of_build(sources: &str, compiler: &str) -> String {
    digest(&[sources, compiler])
}

fn digest(parts: &[&str]) -> String {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(&part.len().to_be_bytes());
        context.update(part.as_bytes());
    }
    keys::hex(&context.finish().as_ref()[..8])
}

#[cfg(test)]
mod tests {
    use super::{of_build, of_sources};
    use crate::program::Program;

    #[test]
    fn a_key_changes_with_the_programs_and_the_compiler() {
        let all = of_sources(&Program::ALL);
        assert_eq!(all, of_sources(&Program::ALL));
        assert_ne!(all, of_sources(&Program::SERVERS));
        assert_ne!(of_build(&all, "go1.26.0"), of_build(&all, "go1.26.1"));
    }
}
