//! What is to be explained, and what to say when there is no such thing.

use cluster::Snapshot;

/// Something of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// A pod.
    Pod { namespace: String, name: String },
    /// A node, or the claim of one that is on its way.
    Node(String),
    /// A pool.
    Pool(String),
}

/// How many names are proposed for one that does not exist.
const PROPOSALS: usize = 3;

impl Target {
    /// Reads `pod/NS/NAME`, `pod NS/NAME`, `node/NAME`, `nodepool NAME` and the like. A pod without
    /// namespace is in `default`.
    pub(crate) fn parse(words: &[String]) -> anyhow::Result<Self> {
        let whole = words.join("/");
        let mut parts = whole.split('/').filter(|part| !part.is_empty());
        let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
        let names: Vec<&str> = parts.collect();
        match (kind.as_str(), names.as_slice()) {
            ("pod" | "pods" | "po", [name]) => Ok(Self::Pod {
                namespace: "default".to_owned(),
                name: (*name).to_owned(),
            }),
            ("pod" | "pods" | "po", [namespace, name]) => Ok(Self::Pod {
                namespace: (*namespace).to_owned(),
                name: (*name).to_owned(),
            }),
            ("node" | "nodes" | "no" | "nodeclaim" | "nodeclaims", [name]) => {
                Ok(Self::Node((*name).to_owned()))
            }
            ("nodepool" | "nodepools" | "pool", [name]) => Ok(Self::Pool((*name).to_owned())),
            _ => anyhow::bail!(
                "{:?}: what to explain is written pod/NAMESPACE/NAME, node/NAME or nodepool/NAME",
                words.join(" ")
            ),
        }
    }

    /// The error for a thing that is not in the input, with names that come close.
    pub(crate) fn missing(&self, snapshot: &Snapshot) -> anyhow::Error {
        let (what, wanted, known): (&str, String, Vec<String>) = match self {
            Self::Pod { namespace, name } => ("pod", format!("{namespace}/{name}"), pods(snapshot)),
            Self::Node(name) => {
                let nodes = snapshot.nodes.iter();
                let known = nodes.map(|node| node.name().to_string());
                ("node", name.clone(), known.collect())
            }
            Self::Pool(name) => {
                let pools = snapshot.pools.iter();
                let known = pools.map(|pool| pool.name().to_owned());
                ("nodepool", name.clone(), known.collect())
            }
        };
        if known.is_empty() {
            return anyhow::anyhow!("no {what} named {wanted}: there is no {what} in the input");
        }
        let near = nearest(&wanted, known);
        anyhow::anyhow!(
            "no {what} named {wanted}; did you mean {}?",
            near.join(" or ")
        )
    }
}

fn pods(snapshot: &Snapshot) -> Vec<String> {
    let groups = snapshot.pending.iter().chain(snapshot.ignored.iter());
    let unbound = groups.flat_map(|group| group.pods.iter());
    let bound = snapshot.nodes.iter().flat_map(|node| &node.pods);
    let all = unbound.chain(snapshot.waiting.iter()).chain(bound);
    all.map(|pod| pod.key().to_string()).collect()
}

/// The known names that are most like a name, nearest first.
fn nearest(wanted: &str, mut known: Vec<String>) -> Vec<String> {
    let tail = |name: &str| name.rsplit('/').next().unwrap_or_default().to_owned();
    known.sort_by_cached_key(|name| {
        // The same name in another namespace comes first.
        let same_name = tail(name) != tail(wanted);
        (same_name, distance(wanted, name), name.clone())
    });
    known.truncate(PROPOSALS);
    known
}

/// How many characters must be put in, taken out or replaced to make one text of the other.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, l) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, r) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(l != *r);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::{Target, distance, nearest};

    fn parse(text: &str) -> Option<Target> {
        let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
        Target::parse(&words).ok()
    }

    #[test]
    fn kinds_and_names_may_be_one_word_or_two() {
        let pod = |namespace: &str, name: &str| {
            let (namespace, name) = (namespace.to_owned(), name.to_owned());
            Some(Target::Pod { namespace, name })
        };
        assert_eq!(parse("pod/web/a"), pod("web", "a"));
        assert_eq!(parse("pod web/a"), pod("web", "a"));
        assert_eq!(parse("po a"), pod("default", "a"));
        assert_eq!(parse("node/n"), Some(Target::Node("n".to_owned())));
        assert_eq!(
            parse("nodepool default"),
            Some(Target::Pool("default".to_owned()))
        );
        for wrong in ["deployment/web", "pod", "node/a/b", "pod/a/b/c"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn names_that_are_alike_are_near() {
        assert_eq!((distance("web", "web"), distance("web", "wep")), (0, 1));
        assert_eq!((distance("", "abc"), distance("abcd", "bd")), (3, 2));
        let known = ["web/cart-1", "shop/cart-0", "db/mysql"]
            .map(str::to_owned)
            .to_vec();
        assert_eq!(nearest("web/cart-0", known)[0], "shop/cart-0");
    }
}
