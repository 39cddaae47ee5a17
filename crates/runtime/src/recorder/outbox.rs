//! Writing of events to the API server.

use model::{ObjectMeta, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::{sync::mpsc, time::Instant};

use super::{
    Noted,
    correlate::{Correlator, Verdict},
};
use crate::{
    client::{ApiError, Client, ObjectKey, Preconditions},
    metrics::{Metrics, names},
    shutdown::Shutdown,
};

/// Who events come from.
const COMPONENT: &str = "karpenter";
/// Longest message that the API server accepts, in bytes.
const LONGEST_MESSAGE: usize = 1_024;

/// A core/v1 Event, as much of it as tests and the outbox read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Event {
    /// Metadata.
    pub metadata: ObjectMeta,
    /// Machine-readable reason.
    pub reason: String,
    /// Text for people.
    pub message: String,
    /// `Normal` or `Warning`.
    #[serde(rename = "type")]
    pub severity: String,
    /// How often it happened.
    pub count: u32,
}

model::resource!(Event, "", "v1", "Event", "events", true);

/// The writing end of a recorder.
#[derive(Debug)]
pub struct Outbox {
    receiver: mpsc::Receiver<Noted>,
    metrics: Option<Metrics>,
    correlator: Correlator,
    written: u64,
}

impl Outbox {
    pub(super) fn new(receiver: mpsc::Receiver<Noted>, metrics: Option<Metrics>) -> Self {
        Self {
            receiver,
            metrics,
            correlator: Correlator::default(),
            written: 0,
        }
    }

    /// Writes notices until `stop`, then what is still waiting, and ends. Also ends when no
    /// recorder is left.
    pub async fn run(mut self, client: Client, stop: Shutdown) {
        while let Some(Some(noted)) = stop.or_stop(self.receiver.recv()).await {
            self.write(&client, noted).await;
        }
        self.receiver.close();
        while let Some(noted) = self.receiver.recv().await {
            self.write(&client, noted).await;
        }
    }

    async fn write(&mut self, client: &Client, noted: Noted) {
        let result = match self.correlator.judge(&noted.notice, Instant::now()) {
            Verdict::Mute => Ok(()),
            Verdict::Create(message) => self.create(client, &noted, &message).await,
            Verdict::Again {
                name,
                count,
                message,
            } => {
                let key = ObjectKey::namespaced(namespace(&noted), name);
                match again(client, &key, &noted, count, &message).await {
                    // The server forgets events after a while.
                    Err(ApiError::NotFound(_)) => self.create(client, &noted, &message).await,
                    other => other,
                }
            }
        };
        if let Err(error) = result {
            tracing::debug!(%error, reason = %noted.notice.reason, "an event was not written");
            if let Some(metrics) = &self.metrics {
                metrics.add(&names::EVENTS_DROPPED, &["refused"], 1.0);
            }
        }
    }

    async fn create(
        &mut self,
        client: &Client,
        noted: &Noted,
        message: &str,
    ) -> Result<(), ApiError> {
        self.written += 1;
        let name = event_name(noted, self.written);
        client
            .create_from::<Event>(namespace(noted), event(noted, &name, message))
            .await?;
        self.correlator
            .created(&noted.notice, message, &name, Instant::now());
        Ok(())
    }
}

async fn again(
    client: &Client,
    key: &ObjectKey,
    noted: &Noted,
    count: u32,
    message: &str,
) -> Result<(), ApiError> {
    let patch = json!({
        "count": count,
        "lastTimestamp": noted.at.to_string(),
        "message": shortened(message),
    });
    client
        .patch::<Event>(key, patch, &Preconditions::none())
        .await
        .map(drop)
}

/// Events about objects of cluster scope live in `default`, as everywhere in Kubernetes.
fn namespace(noted: &Noted) -> &str {
    let namespace = &noted.notice.about.namespace;
    if namespace.is_empty() {
        "default"
    } else {
        namespace
    }
}

/// Object, time and a number: unique, and a function of what this process did.
fn event_name(noted: &Noted, number: u64) -> String {
    let nanos: Timestamp = noted.at;
    format!(
        "{}.{:x}{:04x}",
        noted.notice.about.name,
        nanos.nanos(),
        number & 0xffff
    )
}

fn event(noted: &Noted, name: &str, message: &str) -> serde_json::Value {
    let (notice, about) = (&noted.notice, &noted.notice.about);
    let mut involved = json!({
        "apiVersion": about.api_version,
        "kind": about.kind,
        "name": about.name,
        "uid": about.uid,
    });
    if !about.namespace.is_empty() {
        involved["namespace"] = about.namespace.clone().into();
    }
    json!({
        "metadata": {"name": name, "namespace": namespace(noted)},
        "involvedObject": involved,
        "reason": notice.reason,
        "message": shortened(message),
        "type": notice.severity.as_str(),
        "source": {"component": COMPONENT},
        "reportingComponent": COMPONENT,
        "reportingInstance": "",
        "firstTimestamp": noted.at.to_string(),
        "lastTimestamp": noted.at.to_string(),
        "count": 1,
    })
}

fn shortened(message: &str) -> &str {
    let mut end = message.len().min(LONGEST_MESSAGE);
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    &message[..end]
}
