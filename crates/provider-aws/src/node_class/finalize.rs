//! The end of a class: its claims go first, then what was made for it in AWS, then the class.

use std::time::Duration;

use api::{Ec2NodeClass, labels};
use runtime::client::Preconditions;
use runtime::recorder::{Notice, ObjectRef};
use runtime::{Next, ObjectKey};
use serde_json::json;

use super::{Failed, NodeClasses, ProfileCleanup};

/// How soon a class is looked at again that waits for claims, if no claim goes before.
const WAIT: Duration = Duration::from_mins(10);
/// Names that are told at most.
const MOST: usize = 5;

impl NodeClasses {
    pub(super) async fn finalize(&self, class: &Ec2NodeClass) -> Result<Next, Failed> {
        let finalizer = labels::AWS_TERMINATION_FINALIZER;
        if !class.metadata.finalizers.iter().any(|one| one == finalizer) {
            return Ok(Next::AwaitChange);
        }
        let claims = self.parts.objects.claims_of_class(&class.metadata.name);
        if !claims.is_empty() {
            let names: Vec<&str> = claims.iter().map(|one| &*one.metadata.name).collect();
            let text = format!("Waiting on NodeClaim termination for {}", few(&names));
            let about = ObjectRef::of(class);
            let notice = Notice::normal(about, "WaitingOnNodeClaimTermination", text);
            self.parts.recorder.publish(notice);
            return Ok(Next::After(WAIT));
        }
        if self.parts.profiles == ProfileCleanup::Done {
            self.parts.discovery.profiles.delete_of_class(class).await?;
        }
        let deleted = self.parts.templates.delete_all(class).await;
        deleted.map_err(Failed::Several)?;
        let finalizers = class.metadata.finalizers.iter();
        let left: Vec<&String> = finalizers.filter(|one| *one != finalizer).collect();
        let patch = json!({"metadata": {"finalizers": left}});
        let only_if = Preconditions::unchanged(class);
        let client = &self.parts.client;
        let key = ObjectKey::of(class);
        let written = client.patch::<Ec2NodeClass>(&key, patch, &only_if);
        written.await?;
        self.parts.validation.forget(&class.metadata.name);
        Ok(Next::AwaitChange)
    }
}

/// The first few names, and how many there are beside.
fn few(names: &[&str]) -> String {
    let shown = names
        .iter()
        .take(MOST)
        .copied()
        .collect::<Vec<_>>()
        .join(", ");
    match names.len().saturating_sub(MOST) {
        0 => shown,
        others => format!("{shown} and {others} other(s)"),
    }
}

#[cfg(test)]
mod tests {
    use super::few;

    #[test]
    fn at_most_five_names_are_told() {
        assert_eq!(few(&["a", "b"]), "a, b");
        let many = ["a", "b", "c", "d", "e", "f", "g"];
        assert_eq!(few(&many), "a, b, c, d, e and 2 other(s)");
    }
}
