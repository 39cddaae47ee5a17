//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Karpenter's decisions on your own manifests, without touching anything.
#[derive(Debug, Parser)]
#[command(name = "karp", version, after_help = EXAMPLES, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Examples:
  karp simulate -f examples/inflate         a whole cluster in virtual time, from the first pod to the last node
  karp plan -f snapshot.yaml                what would be launched and removed now, for how much, and why
  kubectl get -A pods,nodes,nodepools,nodeclaims,ds,pdb -o yaml | karp plan -f -
  karp explain pod/shop/cart-0 -f DIR       where a pod goes and why, or what would have to change for it
  karp validate -f nodepool.yaml            what is wrong with manifests, where, and how to mend it

Exit status: 0 all is well, 1 the input cannot be used, 2 some pods have no place, 3 a simulation broke a rule.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show what provisioning and disruption would do now.
    Plan(PlanArgs),
    /// Say why a pod is pending or where it goes, whether a node stays, what a pool can launch.
    Explain(ExplainArgs),
    /// Run a whole cluster in virtual time: pods appear, nodes come, fill, empty and go.
    Simulate(SimulateArgs),
    /// Check manifests: unknown fields, wrong types, rules of the schema, pools that match nothing.
    Validate(ValidateArgs),
}

/// Where objects come from.
#[derive(Debug, Args)]
pub(crate) struct Sources {
    /// A file, a directory (searched for *.yaml, *.yml and *.json), or - for standard input.
    #[arg(
        short = 'f',
        long = "filename",
        required = true,
        value_name = "FILE|DIR|-"
    )]
    pub(crate) files: Vec<String>,
}

/// Where instance types come from.
#[derive(Debug, Args)]
pub(crate) struct CatalogArgs {
    /// Instance types, in the JSON format of the KWOK provider. Default: the bundled table of the
    /// provider that the node classes belong to.
    #[arg(long, value_name = "FILE")]
    pub(crate) catalog: Option<PathBuf>,
    /// Region of the bundled EC2 table.
    #[arg(
        long,
        value_name = "REGION",
        default_value = "us-west-2",
        conflicts_with = "catalog"
    )]
    pub(crate) region: String,
}

/// Settings of Karpenter that decide.
#[derive(Debug, Args)]
pub(crate) struct PolicyArgs {
    /// Feature gates, such as SpotToSpotConsolidation=true.
    #[arg(long, value_name = "NAME=BOOL,...")]
    pub(crate) feature_gates: Option<String>,
    /// What becomes of preferences.
    #[arg(long, value_name = "Respect|Ignore", default_value = "Respect")]
    pub(crate) preference_policy: String,
    /// What becomes of minValues that cannot be met.
    #[arg(long, value_name = "Strict|BestEffort", default_value = "Strict")]
    pub(crate) min_values_policy: String,
    /// Default constraints of topology spread, for pods that declare none: a
    /// KubeSchedulerConfiguration, or the value of Karpenter's setting of this name.
    #[arg(long, value_name = "FILE")]
    pub(crate) scheduler_config: Option<PathBuf>,
    /// Leave pods with claims of dynamic resource allocation pending; false: find devices for them.
    #[arg(long, value_name = "BOOL", default_value_t = true, num_args = 0..=1,
        default_missing_value = "true", action = clap::ArgAction::Set)]
    pub(crate) ignore_dra_requests: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub(crate) sources: Sources,
    #[command(flatten)]
    pub(crate) catalog: CatalogArgs,
    #[command(flatten)]
    pub(crate) policy: PolicyArgs,
    /// The time of the plan. Default: now.
    #[arg(long, value_name = "RFC3339")]
    pub(crate) now: Option<String>,
    /// Decides ties.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// What to plan.
    #[arg(long = "for", value_enum, default_value_t = Subject::All)]
    pub(crate) subject: Subject,
    /// How the lower bound of the price is found: density at once; columns closer, in up to a few
    /// seconds.
    #[arg(long, value_enum, default_value_t = Bound::Density)]
    pub(crate) bound: Bound,
    /// Threads to use. The answer does not depend on it.
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
    /// How to print the plan.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    pub(crate) output: Output,
}

const EXPLAIN: &str = "\
What is explained:
  pod/NAMESPACE/NAME  where it goes, for how much, and which of its preferences are met there;
                      what every pool and node says to it: a price, or the first thing that would
                      have to change. Without a namespace, default is meant.
  node/NAME           what is on it, how full it is, its price, whether it would go, why it stays
  nodepool/NAME       the types it admits, what each requirement keeps out, limits, budgets, and
                      what it would launch now

Kind and name may be two words, as with kubectl:
  karp explain pod shop/cart-0 -f snapshot.yaml
  kubectl get -A pods,nodes,nodepools,nodeclaims,ds,pdb -o yaml | karp explain node n1 -f -

Exit status: 0 explained, 1 no such thing or unusable input, 2 the pod has no place.";

#[derive(Debug, Args)]
#[command(after_help = EXPLAIN)]
pub(crate) struct ExplainArgs {
    /// What to explain.
    #[arg(required = true, num_args = 1..=3, value_name = "KIND/NAME")]
    pub(crate) target: Vec<String>,
    #[command(flatten)]
    pub(crate) sources: Sources,
    #[command(flatten)]
    pub(crate) catalog: CatalogArgs,
    #[command(flatten)]
    pub(crate) policy: PolicyArgs,
    /// The time of the plan. Default: now.
    #[arg(long, value_name = "RFC3339")]
    pub(crate) now: Option<String>,
    /// Decides ties.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// How to print the explanation.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct SimulateArgs {
    #[command(flatten)]
    pub(crate) sources: Sources,
    #[command(flatten)]
    pub(crate) catalog: CatalogArgs,
    #[command(flatten)]
    pub(crate) policy: PolicyArgs,
    /// What happens from outside, if no document of kind Scenario is among the manifests.
    #[arg(long, value_name = "FILE")]
    pub(crate) scenario: Option<PathBuf>,
    /// The most virtual time that passes, such as 2h. The run ends earlier once nothing happens any
    /// more.
    #[arg(long = "for", value_name = "DURATION", default_value = "24h")]
    pub(crate) at_most: String,
    /// Decides everything that varies. The same seed gives the same bytes.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Also write the result as a page with charts.
    #[arg(long, value_name = "FILE.html")]
    pub(crate) report: Option<PathBuf>,
    /// Print the whole time line and every node, however many there are.
    #[arg(long)]
    pub(crate) full: bool,
    /// How to print the result.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct ValidateArgs {
    #[command(flatten)]
    pub(crate) sources: Sources,
    #[command(flatten)]
    pub(crate) catalog: CatalogArgs,
    /// How to print the findings.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    pub(crate) output: Output,
}

/// How the lower bound is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Bound {
    /// By each pod's share of a node under one weighting of resources.
    Density,
    /// By linear programming over what single nodes can hold.
    Columns,
}

/// What to plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Subject {
    /// Nodes for pending pods.
    Provisioning,
    /// Nodes that may go.
    Disruption,
    /// Both.
    All,
}

/// How to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// Tables for people.
    Table,
    /// JSON for programs.
    Json,
    /// The same as YAML.
    Yaml,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::Cli;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
