//! Default topology spread: from the scheduler's own configuration, or from Karpenter's setting.

use std::path::Path;

use anyhow::Context as _;
use runtime::options::SchedulerConfig;
use serde::Deserialize;
use serde_json::{Value, json};

const KIND: &str = "KubeSchedulerConfiguration";
/// The profile that counts, and the name of one that has none.
const DEFAULT_PROFILE: &str = "default-scheduler";
const PLUGIN: &str = "PodTopologySpread";

/// What pods that declare no spread are spread by. Without a file, by nothing.
pub(crate) fn scheduler_config(file: Option<&Path>) -> anyhow::Result<SchedulerConfig> {
    let Some(path) = file else {
        return Ok(SchedulerConfig::default());
    };
    let shown = path.display();
    let text =
        std::fs::read_to_string(path).with_context(|| format!("--scheduler-config {shown}"))?;
    read(&text).with_context(|| format!("--scheduler-config {shown}"))
}

fn read(text: &str) -> anyhow::Result<SchedulerConfig> {
    let document: Value = serde_saphyr::from_str(text).unwrap_or(Value::Null);
    if document["kind"] != KIND {
        // Whatever is wrong with it is told by its own parser.
        return Ok(SchedulerConfig::parse(text)?);
    }
    let configuration: Configuration = serde_saphyr::from_str(text)
        .map_err(|error| anyhow::anyhow!("{}", error.to_string().lines().next().unwrap_or("")))?;
    let constraints = configuration.default_constraints()?;
    let setting = json!({"podTopologySpread": {"defaultConstraints": constraints}});
    Ok(SchedulerConfig::parse(&setting.to_string())?)
}

/// The part of the scheduler's configuration that matters here.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Configuration {
    profiles: Vec<Profile>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Profile {
    scheduler_name: Option<String>,
    plugin_config: Vec<Plugin>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Plugin {
    name: String,
    args: Value,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Spread {
    default_constraints: Vec<Value>,
    defaulting_type: Option<String>,
}

impl Configuration {
    /// The constraints of the default scheduler's profile, or of the only one.
    fn default_constraints(&self) -> anyhow::Result<Vec<Value>> {
        let name = |profile: &Profile| match &profile.scheduler_name {
            Some(name) => name.clone(),
            None => DEFAULT_PROFILE.to_owned(),
        };
        let default = self
            .profiles
            .iter()
            .find(|profile| name(profile) == DEFAULT_PROFILE);
        let profile = match (default, &*self.profiles) {
            (Some(profile), _) | (None, [profile]) => profile,
            (None, []) => return Ok(Vec::new()),
            (None, several) => anyhow::bail!(
                "none of the profiles is called {DEFAULT_PROFILE}: {}",
                several.iter().map(name).collect::<Vec<_>>().join(", ")
            ),
        };
        let mut plugins = profile.plugin_config.iter();
        let Some(plugin) = plugins.find(|plugin| plugin.name == PLUGIN) else {
            return Ok(Vec::new());
        };
        let spread: Spread = Deserialize::deserialize(&plugin.args)
            .with_context(|| format!("arguments of plugin {PLUGIN}"))?;
        match spread.defaulting_type.as_deref() {
            Some("List") => Ok(spread.default_constraints),
            // The scheduler's built-in constraints only decide between nodes that are there.
            None | Some("" | "System") if spread.default_constraints.is_empty() => Ok(Vec::new()),
            None | Some("" | "System") => anyhow::bail!(
                "defaultConstraints of plugin {PLUGIN} count only with defaultingType: List"
            ),
            Some(other) => anyhow::bail!(
                "defaultingType {other:?} of plugin {PLUGIN}: List or System is expected"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::read;

    fn of_kind(profiles: &str) -> String {
        format!(
            "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n\
             leaderElection: {{leaderElect: true}}\nprofiles: {profiles}\n"
        )
    }

    fn profile(name: &str, key: &str) -> String {
        format!(
            "{{schedulerName: {name}, pluginConfig: [{{name: NodeResourcesFit, args: {{}}}}, \
             {{name: PodTopologySpread, args: {{defaultingType: List, defaultConstraints: \
             [{{maxSkew: 1, topologyKey: {key}, whenUnsatisfiable: DoNotSchedule}}]}}}}]}}"
        )
    }

    fn keys(text: &str) -> Vec<String> {
        let constraints = read(text).unwrap().default_constraints;
        constraints
            .into_iter()
            .map(|constraint| constraint.topology_key)
            .collect()
    }

    #[test]
    fn the_default_schedulers_profile_counts_or_the_only_one() {
        let (other, default) = (
            profile("gang", "rack"),
            profile("default-scheduler", "zone"),
        );
        assert_eq!(keys(&of_kind(&format!("[{other}, {default}]"))), ["zone"]);
        assert_eq!(keys(&of_kind(&format!("[{other}]"))), ["rack"]);
        let second = profile("batch", "row");
        let error = read(&of_kind(&format!("[{other}, {second}]"))).unwrap_err();
        assert!(error.to_string().contains("gang, batch"), "{error}");
    }

    #[test]
    fn without_a_list_of_its_own_there_is_no_default() {
        for args in ["{}", "{defaultingType: System}"] {
            let profiles =
                format!("[{{pluginConfig: [{{name: PodTopologySpread, args: {args}}}]}}]");
            assert!(keys(&of_kind(&profiles)).is_empty(), "{args}");
        }
        assert!(keys(&of_kind("[]")).is_empty());
        assert!(keys("").is_empty());
    }

    #[test]
    fn karpenters_own_setting_is_read_too() {
        let text = "podTopologySpread: {defaultConstraints: [{maxSkew: 2, topologyKey: zone, \
                    whenUnsatisfiable: ScheduleAnyway}]}";
        assert_eq!(keys(text), ["zone"]);
    }

    #[test]
    fn what_the_scheduler_would_refuse_is_refused() {
        let constraint = "{maxSkew: 0, topologyKey: zone, whenUnsatisfiable: DoNotSchedule}";
        for (args, expected) in [
            (
                format!("{{defaultConstraints: [{constraint}]}}"),
                "defaultingType: List",
            ),
            (
                format!("{{defaultingType: List, defaultConstraints: [{constraint}]}}"),
                "maxSkew",
            ),
            ("{defaultingType: Own}".to_owned(), "List or System"),
        ] {
            let profiles =
                format!("[{{pluginConfig: [{{name: PodTopologySpread, args: {args}}}]}}]");
            let error = format!("{:#}", read(&of_kind(&profiles)).unwrap_err());
            assert!(error.contains(expected), "{error}");
        }
        assert!(read("podSpread: {}").is_err());
    }
}
