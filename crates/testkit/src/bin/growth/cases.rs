//! What is measured.

use catalog::Catalog;
use catalog::ec2::{Ec2Options, bundled};
use testkit::corpus::stored;

/// Something to measure.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// Title of the table that it is in.
    pub(crate) title: &'static str,
    /// Its own name.
    pub(crate) name: String,
    /// Its objects.
    pub(crate) content: Content,
    /// What is asked.
    pub(crate) question: Question,
    /// What the reference needs, where that was recorded.
    pub(crate) reference: Option<Reference>,
}

/// What the reference needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reference {
    pub(crate) seconds: f64,
    /// Price an hour and nodes.
    pub(crate) plan: Option<(f64, usize)>,
    pub(crate) mib: Option<u32>,
}

/// Objects.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    /// Those of a recorded problem, its pods so many times over.
    Recorded {
        problem: &'static str,
        catalog: &'static str,
        times: usize,
    },
    /// Made ones.
    Made(Made),
    /// A cluster that is looked at for disruption.
    Standing(Standing),
}

/// What is asked of a case.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Question {
    /// Where pending pods go.
    Placement,
    /// Which nodes go, in at most so many milliseconds where there is a bar.
    Look {
        /// The bar.
        bar_ms: Option<f64>,
    },
}

/// A cluster of machines of one type, on demand, with pods of 100 workloads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing {
    /// Machines.
    pub(crate) nodes: usize,
    /// How full they are.
    pub(crate) fill: Fill,
    /// How many of them may go at once.
    pub(crate) budget: Budget,
}

/// How many machines may go at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Budget {
    /// A tenth, as where nothing is said.
    Tenth,
    /// All.
    All,
}

/// How full machines are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fill {
    /// At 40 %, in a pool that may launch anything.
    TwoFifths,
    /// No pod fits anywhere, and the pool may launch nothing that is cheaper for what it has.
    Full,
}

/// A made cluster.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Made {
    /// Pending pods.
    pub(crate) pending: usize,
    /// Workloads that they belong to.
    pub(crate) shapes: usize,
    /// How many of the workloads spread over zones or nodes, each by itself.
    pub(crate) groups: usize,
    /// Whether pods have preferences, some of which cannot be met.
    pub(crate) preferences: bool,
    /// Instance types, of the bundled EC2 table.
    pub(crate) types: usize,
    /// Nodes that are there.
    pub(crate) nodes: usize,
    /// Pods that run on each of them.
    pub(crate) running: usize,
}

const MADE: Made = Made {
    pending: 5_000,
    shapes: 100,
    groups: 0,
    preferences: false,
    types: usize::MAX,
    nodes: 0,
    running: 10,
};

impl Content {
    /// The instance types.
    pub(crate) fn catalog(&self) -> anyhow::Result<Catalog> {
        match self {
            Self::Recorded { catalog, .. } => Ok(stored::catalog(catalog)?),
            Self::Made(made) => {
                let mut catalog = bundled(&Ec2Options::default())?;
                // Evenly from the whole table: it is sorted by family.
                let step = catalog.types.len().div_ceil(made.types);
                catalog.types = catalog.types.into_iter().step_by(step.max(1)).collect();
                Ok(catalog)
            }
            Self::Standing(_) => Ok(bundled(&Ec2Options::default())?),
        }
    }
}

/// Every case, those of a table one after the other.
pub(crate) fn all() -> Vec<Case> {
    let mut cases = recorded();
    cases.extend(named());
    let pods = [1_000, 5_000, 20_000, 100_000];
    cases.extend(pods.map(|pending| grown("pods", pending, Made { pending, ..MADE })));
    let shapes = [10, 100, 1_000, 5_000, 20_000];
    cases.extend(shapes.map(|shapes| {
        let pending = 20_000;
        let made = Made {
            pending,
            shapes,
            ..MADE
        };
        grown("shapes", shapes, made)
    }));
    let types = [10, 100, 400, usize::MAX];
    cases.extend(types.map(|types| grown("types", types, Made { types, ..MADE })));
    let nodes = [100, 1_000, 5_000, 10_000];
    cases.extend(nodes.map(|nodes| {
        let pending = 1_000;
        let made = Made {
            pending,
            nodes,
            ..MADE
        };
        grown("nodes", nodes, made)
    }));
    let groups = [10, 100, 1_000];
    cases.extend(groups.map(|groups| {
        let shapes = groups.max(100);
        let made = Made {
            shapes,
            groups,
            ..MADE
        };
        grown("groups", groups, made)
    }));
    cases.extend(looks());
    cases
}

/// Looks for disruption.
fn looks() -> Vec<Case> {
    let standing = |nodes, fill, budget| {
        Content::Standing(Standing {
            nodes,
            fill,
            budget,
        })
    };
    let look = |name: &str, content, bar_ms, seconds: Option<f64>| Case {
        title: "One look for disruption",
        name: name.to_owned(),
        content,
        question: Question::Look { bar_ms },
        reference: seconds.map(|seconds| Reference {
            seconds,
            plan: None,
            mib: None,
        }),
    };
    let recorded = |problem, catalog| Content::Recorded {
        problem,
        catalog,
        times: 1,
    };
    let stuck = recorded("d-cluster-1000-stuck-ec2", "ec2");
    let half = recorded("d-cluster-500-stuck-kwok144", "kwok144");
    let loose = recorded("d-cluster-1000-ec2", "ec2");
    let mut cases = vec![
        look("d-cluster-1000-stuck-ec2", stuck, Some(100.0), Some(159.0)),
        look("d-cluster-500-stuck-kwok144", half, None, Some(58.7)),
        look("d-cluster-1000-ec2", loose, None, Some(2.2)),
        look(
            "5,000 nodes at 40 %",
            standing(5_000, Fill::TwoFifths, Budget::Tenth),
            Some(500.0),
            None,
        ),
        look(
            "5,000 nodes at 40 %, all may go",
            standing(5_000, Fill::TwoFifths, Budget::All),
            Some(500.0),
            None,
        ),
    ];
    let axes = [
        (
            "full",
            Fill::Full,
            "Growing nodes that are full, with nothing to gain: one look for disruption",
        ),
        (
            "loose",
            Fill::TwoFifths,
            "Growing nodes at 40 %, all of which may go: one look for disruption",
        ),
    ];
    for (axis, fill, title) in axes {
        cases.extend([500, 1_000, 2_000, 5_000, 10_000].map(|nodes| {
            let name = format!("{axis}-{nodes}");
            Case {
                title,
                ..look(&name, standing(nodes, fill, Budget::All), None, None)
            }
        }));
    }
    cases
}

fn grown(axis: &'static str, amount: usize, made: Made) -> Case {
    let title = match axis {
        "pods" => "Growing pods: of 100 workloads",
        "shapes" => "Growing shapes: 20,000 pods",
        "types" => "Growing instance types: 5,000 pods of 100 workloads",
        "nodes" => "Growing nodes that are there, 10 pods on each: 1,000 pods of 100 workloads",
        _ => "Growing topology groups: 5,000 pods",
    };
    let name = match amount {
        usize::MAX => format!("{axis}-all"),
        amount => format!("{axis}-{amount}"),
    };
    Case {
        title,
        name,
        content: Content::Made(made),
        question: Question::Placement,
        reference: None,
    }
}

const NAMED: &str = "Named problems";

/// Recorded problems, with what the reference needed for them.
fn recorded() -> Vec<Case> {
    let case = |problem, catalog, seconds, plan, mib| Case {
        title: NAMED,
        name: String::from(problem),
        content: Content::Recorded {
            problem,
            catalog,
            times: 1,
        },
        question: Question::Placement,
        reference: Some(Reference {
            seconds,
            plan: Some(plan),
            mib,
        }),
    };
    vec![
        case("bench-20000", "bench400", 67.0, (7_153.0, 4_000), Some(690)),
        case("large-5000-200-ec2", "ec2", 5.2, (99.9, 110), None),
        case(
            "large-2000-150-kwok144",
            "kwok144",
            9.3,
            (44.3, 1_371),
            None,
        ),
    ]
}

/// Others that have a name in the world.
fn named() -> Vec<Case> {
    let case = |name: &str, content, reference| Case {
        title: NAMED,
        name: name.to_owned(),
        content,
        question: Question::Placement,
        reference,
    };
    let preferences = Made {
        pending: 4_000,
        shapes: 30,
        preferences: true,
        types: 400,
        ..MADE
    };
    let one_pod = Made {
        pending: 1,
        shapes: 500,
        nodes: 5_000,
        ..MADE
    };
    let large = Made {
        pending: 1,
        shapes: 2_000,
        nodes: 10_000,
        ..MADE
    };
    let respected = Reference {
        seconds: 68.0,
        plan: None,
        mib: None,
    };
    vec![
        case(
            "100,000 diverse pods",
            Content::Recorded {
                problem: "bench-20000",
                catalog: "bench400",
                times: 5,
            },
            None,
        ),
        case(
            "4,000 pods with preferences",
            Content::Made(preferences),
            Some(respected),
        ),
        case(
            "1 pod, 5,000 nodes, 50,000 pods",
            Content::Made(one_pod),
            None,
        ),
        case(
            "1 pod, 10,000 nodes, 100,000 pods",
            Content::Made(large),
            None,
        ),
    ]
}
