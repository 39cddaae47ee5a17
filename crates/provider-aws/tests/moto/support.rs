//! A connection of one test, and what it has sent.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_ec2::config::retry::RetryConfig;
use aws_sdk_ec2::config::{BehaviorVersion, Credentials, Region};
use moto::{Call, Fault, Moto};
use provider_aws::calls::Calls;
use provider_aws::sdk::{self, Connected, Settings};
use runtime::metrics::Metrics;
use serde_json::{Map, Value};

/// Version that the tests say they are.
pub(crate) const VERSION: &str = "1.2.3-test";

/// AWS as one test sees it.
pub(crate) struct Aws {
    pub(crate) moto: &'static Moto,
    pub(crate) calls: Calls,
    pub(crate) region: String,
    pub(crate) metrics: Metrics,
    key: String,
}

pub(crate) fn settings(metrics: &Metrics) -> Settings {
    Settings {
        version: VERSION.to_owned(),
        metrics: metrics.clone(),
    }
}

impl Aws {
    /// Connects with an access key of this name, in a region. Waits between attempts are short.
    pub(crate) async fn new(name: &str, region: &'static str) -> Self {
        let moto = Moto::shared().expect("moto");
        let metrics = Metrics::new();
        let retries = RetryConfig::standard().with_initial_backoff(Duration::from_millis(1));
        let known = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new(region))
            .endpoint_url(moto.endpoint())
            .credentials_provider(Credentials::new(name, "secret", None, None, "test"))
            .retry_config(retries);
        let connected = sdk::connect_as(&settings(&metrics), known).await;
        let Connected { calls, region } = connected.expect("a region");
        Self {
            moto,
            calls,
            region,
            metrics,
            key: name.to_owned(),
        }
    }

    /// The calls that this connection has made of an action.
    pub(crate) fn sent(&self, action: &str) -> Vec<Call> {
        let mut calls = self.moto.calls_by(&self.key).expect("calls");
        calls.retain(|call| call.action == action);
        calls
    }

    /// Service and action of the latest call.
    pub(crate) fn last(&self) -> (String, String) {
        let calls = self.moto.calls_by(&self.key).expect("calls");
        let last = calls.into_iter().last().expect("a call");
        (last.service, last.action)
    }

    /// Services and actions of all calls.
    pub(crate) fn seen(&self) -> BTreeSet<(String, String)> {
        let calls = self.moto.calls_by(&self.key).expect("calls");
        let named = calls.into_iter().map(|call| (call.service, call.action));
        named.collect()
    }

    /// What was sent by the calls of an action, each as a document, less what every call has.
    pub(crate) fn asked(&self, action: &str) -> Vec<Value> {
        let without_frame = |call: Call| -> Value {
            let fields = call.parameters.into_iter();
            let own = fields.filter(|(name, _)| name != "Action" && name != "Version");
            own.collect::<Map<String, Value>>().into()
        };
        self.sent(action).into_iter().map(without_frame).collect()
    }

    /// What the only call of an action has sent.
    pub(crate) fn asked_once(&self, action: &str) -> Value {
        let mut all = self.asked(action);
        assert_eq!(all.len(), 1, "{action}: {all:#?}");
        all.remove(0)
    }

    /// Lists come in pages of so many rows.
    pub(crate) fn pages(&self, rows: u32) {
        self.moto.pages(&self.key, rows).expect("set");
    }

    /// A fault of this connection's calls alone.
    pub(crate) fn fault(&self, fault: Fault) {
        self.moto.fault(&fault.of(&self.key)).expect("set");
    }
}
