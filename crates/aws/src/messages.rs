//! What EventBridge puts into the interruption queue, read.
//!
//! What is *not* here: what follows from it ([`crate::interruption`]), and the queue.

use model::Timestamp;
use serde::Deserialize;

use crate::interruption::Kind;

/// A message, as far as it matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What it tells.
    pub kind: Kind,
    /// Ids of the instances that it is about, each once.
    pub instances: Vec<String>,
    /// When that happened; none if it does not say.
    pub time: Option<Timestamp>,
}

/// A text is no message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("parsing a message, {0}")]
pub struct Malformed(pub String);

/// What all messages have. The detail is read as its kind wants it.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Envelope {
    #[serde(default)]
    version: String,
    #[serde(default)]
    source: String,
    #[serde(default)]
    detail_type: String,
    #[serde(default)]
    time: String,
    #[serde(default)]
    detail: serde_json::Value,
}

/// Source and `detail-type` of a message: EC2 takes a spot instance away in two minutes.
pub const SPOT_INTERRUPTION: (&str, &str) = ("aws.ec2", "EC2 Spot Instance Interruption Warning");
/// EC2 is likely to take a spot instance away.
pub const REBALANCE: (&str, &str) = ("aws.ec2", "EC2 Instance Rebalance Recommendation");
/// EC2 takes back what it has lent of a reservation.
pub const RESERVATION_INTERRUPTION: (&str, &str) = (
    "aws.ec2",
    "EC2 Capacity Reservation Instance Interruption Warning",
);
/// An instance is in another state.
pub const STATE_CHANGE: (&str, &str) = ("aws.ec2", "EC2 Instance State-change Notification");
/// AWS has planned something, or something is wrong.
pub const HEALTH: (&str, &str) = ("aws.health", "AWS Health Event");

/// The only version of all messages.
const VERSION: &str = "0";

/// Reads the text of a message. One of no interest, or without text, is [`Kind::NoOp`].
pub fn parse(body: &str) -> Result<Message, Malformed> {
    if body.trim().is_empty() {
        return Ok(Message {
            kind: Kind::NoOp,
            instances: Vec::new(),
            time: None,
        });
    }
    let envelope: Envelope = serde_json::from_str(body).map_err(malformed)?;
    let time = Timestamp::parse(&envelope.time).ok();
    let (kind, mut instances) = read(&envelope)?;
    if kind == Kind::NoOp {
        instances.clear();
    }
    let mut seen = std::collections::BTreeSet::new();
    instances.retain(|id| !id.is_empty() && seen.insert(id.clone()));
    Ok(Message {
        kind,
        instances,
        time,
    })
}

fn read(envelope: &Envelope) -> Result<(Kind, Vec<String>), Malformed> {
    if envelope.version != VERSION {
        return Ok((Kind::NoOp, Vec::new()));
    }
    match (envelope.source.as_str(), envelope.detail_type.as_str()) {
        SPOT_INTERRUPTION => of_instance(envelope, |_| Kind::SpotInterrupted),
        REBALANCE => of_instance(envelope, |_| Kind::RebalanceRecommendation),
        RESERVATION_INTERRUPTION => of_instance(envelope, |_| Kind::CapacityReservationInterrupted),
        STATE_CHANGE => of_instance(envelope, |detail| of_state(&detail.state)),
        HEALTH => of_health(envelope),
        _ => Ok((Kind::NoOp, Vec::new())),
    }
}

/// Detail of all messages of EC2 about one instance.
#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct OfInstance {
    instance_id: String,
    state: String,
}

fn of_instance(
    envelope: &Envelope,
    kind: impl Fn(&OfInstance) -> Kind,
) -> Result<(Kind, Vec<String>), Malformed> {
    let detail = OfInstance::deserialize(&envelope.detail).map_err(malformed)?;
    Ok((kind(&detail), vec![detail.instance_id]))
}

fn of_state(state: &str) -> Kind {
    match state.to_ascii_lowercase().as_str() {
        "stopping" | "stopped" => Kind::InstanceStopped,
        "shutting-down" | "terminated" => Kind::InstanceTerminated,
        _ => Kind::NoOp,
    }
}

/// Detail of an event of AWS Health.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct OfHealth {
    service: String,
    event_type_category: String,
    affected_entities: Vec<Entity>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Entity {
    entity_value: String,
}

fn of_health(envelope: &Envelope) -> Result<(Kind, Vec<String>), Malformed> {
    let detail = OfHealth::deserialize(&envelope.detail).map_err(malformed)?;
    if detail.service != "EC2" || detail.event_type_category != "scheduledChange" {
        return Ok((Kind::NoOp, Vec::new()));
    }
    let entities = detail.affected_entities.into_iter();
    let ids = entities.map(|entity| entity.entity_value).collect();
    Ok((Kind::ScheduledChange, ids))
}

fn malformed(cause: impl std::fmt::Display) -> Malformed {
    Malformed(cause.to_string())
}

#[cfg(test)]
mod tests;
