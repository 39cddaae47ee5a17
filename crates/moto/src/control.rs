//! What tests set and read beside the API of AWS.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::Moto;
use crate::http::{Request, send};

/// What happens to calls instead of, or before, an answer.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Fault {
    service: String,
    action: String,
    key: String,
    code: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u32>,
    delay: f64,
    cut: bool,
    after: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<String>,
}

impl Fault {
    /// Calls of an action (`ec2`, `CreateFleet`) do nothing special yet. An empty text is any.
    pub fn on(service: &str, action: &str) -> Self {
        Self {
            service: service.to_owned(),
            action: action.to_owned(),
            ..Self::default()
        }
    }

    /// Only calls with this access key, which [`Moto::environment`] gives to programs; what tests
    /// ask themselves is signed with another one.
    #[must_use]
    pub fn of(self, key: &str) -> Self {
        let key = key.to_owned();
        Self { key, ..self }
    }

    /// They fail with a code, by default with status 400.
    #[must_use]
    pub fn code(self, code: &str) -> Self {
        let code = code.to_owned();
        Self { code, ..self }
    }

    /// The text beside the code.
    #[must_use]
    pub fn message(self, message: &str) -> Self {
        let message = Some(message.to_owned());
        Self { message, ..self }
    }

    /// The status of HTTP. Without a code it has to be 500 or more.
    #[must_use]
    pub fn status(self, status: u16) -> Self {
        let status = Some(status);
        Self { status, ..self }
    }

    /// Only so many calls; the others are answered.
    #[must_use]
    pub fn times(self, count: u32) -> Self {
        let count = Some(count);
        Self { count, ..self }
    }

    /// They wait first.
    #[must_use]
    pub fn delay(self, seconds: f64) -> Self {
        let delay = seconds;
        Self { delay, ..self }
    }

    /// Their connection is cut.
    #[must_use]
    pub fn cut(self) -> Self {
        let cut = true;
        Self { cut, ..self }
    }

    /// They are carried out, but their connection is cut before the answer.
    #[must_use]
    pub fn cut_after(self) -> Self {
        let after = true;
        Self { after, ..self }.cut()
    }

    /// They get this text as their answer, with status 200 unless said otherwise.
    #[must_use]
    pub fn answer(self, text: &str) -> Self {
        Self {
            answer: Some(text.to_owned()),
            status: self.status.or(Some(200)),
            ..self
        }
    }
}

/// A call that was made.
#[derive(Debug, Clone, Deserialize)]
pub struct Call {
    /// Name of the service in signatures: `ec2`.
    pub service: String,
    /// The action: `CreateFleet`.
    pub action: String,
    /// The region that it was signed for.
    pub region: String,
    /// The path.
    pub path: String,
    /// The user agent.
    pub agent: String,
    /// The access key.
    pub key: String,
    /// What was sent: a form's fields, or the members of a document.
    pub parameters: BTreeMap<String, Value>,
    /// Status of the answer; 0 if the connection was cut, none while it is being answered.
    pub status: Option<u16>,
}

impl Call {
    /// A field of a form.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).and_then(Value::as_str)
    }
}

impl Moto {
    /// All calls since the start or the last [`Moto::forget_calls`].
    pub fn calls(&self) -> Result<Vec<Call>> {
        Ok(serde_json::from_value(self.control("GET", "calls", None)?)?)
    }

    /// The calls of one action in one region; an empty region is any.
    pub fn calls_of(&self, action: &str, region: &str) -> Result<Vec<Call>> {
        let mut calls = self.calls()?;
        calls.retain(|call| call.action == action && (region.is_empty() || call.region == region));
        Ok(calls)
    }

    /// The calls that were signed with an access key.
    pub fn calls_by(&self, key: &str) -> Result<Vec<Call>> {
        let mut calls = self.calls()?;
        calls.retain(|call| call.key == key);
        Ok(calls)
    }

    /// Empties the list of calls.
    pub fn forget_calls(&self) -> Result<()> {
        self.control("DELETE", "calls", None).map(drop)
    }

    /// Adds a fault. Of several that match a call the first counts.
    pub fn fault(&self, fault: &Fault) -> Result<()> {
        let fault = serde_json::to_value(fault)?;
        self.control("POST", "faults", Some(&fault)).map(drop)
    }

    /// No more faults.
    pub fn clear_faults(&self) -> Result<()> {
        self.control("DELETE", "faults", None).map(drop)
    }

    /// How many instances of a type can still be had in a zone, `spot` or `on-demand`. Unless told,
    /// there is no end.
    pub fn pool(&self, instance_type: &str, zone: &str, capacity: &str, count: u32) -> Result<()> {
        let pool = format!("{instance_type}/{zone}/{capacity}");
        self.set("pools", &json!({ pool: count }))
    }

    /// The on-demand price of a type, in dollars per hour.
    pub fn on_demand_price(&self, instance_type: &str, dollars: f64) -> Result<()> {
        self.set(
            "prices",
            &json!({ "on-demand": { instance_type: dollars } }),
        )
    }

    /// The spot price of a type in a zone, in dollars per hour.
    pub fn spot_price(&self, instance_type: &str, zone: &str, dollars: f64) -> Result<()> {
        let place = format!("{instance_type}/{zone}");
        self.set("prices", &json!({ "spot": { place: dollars } }))
    }

    /// A parameter of Systems Manager, of any name. Those of the public aliases are there already.
    pub fn parameter(&self, name: &str, value: &str) -> Result<()> {
        self.set("parameters", &json!({ name: value }))
    }

    /// Images: `id`, `name`, `created`, and if need be `architecture`, `owner`, `deprecated`,
    /// `tags`, `region`.
    pub fn images(&self, images: &Value) -> Result<()> {
        self.set("images", images)
    }

    /// Capacity reservations, as DescribeCapacityReservations tells them.
    pub fn reservations(&self, reservations: &Value) -> Result<()> {
        self.set("reservations", reservations)
    }

    /// Placement groups, as DescribePlacementGroups tells them.
    pub fn placement_groups(&self, groups: &Value) -> Result<()> {
        self.set("placement-groups", groups)
    }

    /// How an instance is: seconds for which its checks fail under `instance`, `system` and `ebs`,
    /// and what is planned for it under `events`.
    pub fn impair(&self, instance: &str, how: &Value) -> Result<()> {
        self.set("impaired", &json!({ instance: how }))
    }

    /// The zonal shifts of a resource: `awayFrom`, and if need be `expiryTime` (seconds since
    /// 1970), `appliedStatus`. A resource without any is not found.
    pub fn shifts(&self, arn: &str, shifts: &Value) -> Result<()> {
        self.set("shifts", &json!({ arn: shifts }))
    }

    /// How many rows a page of a list has at most, for who signs with this access key.
    pub fn pages(&self, key: &str, rows: u32) -> Result<()> {
        self.set("pages", &json!({ key: rows }))
    }

    /// For how long new instances are `pending`, and terminated ones `shutting-down`, in seconds.
    pub fn transitions(&self, pending: f64, shutting_down: f64) -> Result<()> {
        let settings = json!({
            "pending_seconds": pending,
            "shutting_down_seconds": shutting_down,
        });
        self.set("settings", &settings)
    }

    /// Which instance types there are; none: all that moto knows, whose list takes seconds.
    pub fn types(&self, types: Option<&[&str]>) -> Result<()> {
        self.set("settings", &json!({ "types": types }))
    }

    /// Sets something of the control address, as `karpenter_moto.py` describes it.
    pub fn set(&self, name: &str, content: &Value) -> Result<()> {
        self.control("POST", name, Some(content)).map(drop)
    }

    fn control(&self, method: &str, name: &str, content: Option<&Value>) -> Result<Value> {
        let body = content.map_or_else(String::new, Value::to_string);
        let answer = send(
            self.port,
            Request {
                method,
                path: &format!("/_control/{name}"),
                headers: &[("Content-Type", "application/json")],
                body: &body,
            },
        )?;
        serde_json::from_str(&answer).with_context(|| format!("{name}: {answer}"))
    }
}
