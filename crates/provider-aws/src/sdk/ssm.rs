//! Systems Manager.

use async_trait::async_trait;
use aws::Failure;

use super::failure::OrFailure;
use super::values::text;
use crate::calls::Ssm;

/// Systems Manager by the SDK.
pub(super) struct Client(aws_sdk_ssm::Client);

impl Client {
    pub(super) fn new(config: aws_sdk_ssm::Config) -> Self {
        Self(aws_sdk_ssm::Client::from_conf(config))
    }
}

#[async_trait]
impl Ssm for Client {
    async fn parameter(&self, name: &str) -> Result<String, Failure> {
        let call = self.0.get_parameter().name(name);
        let output = call.send().await.or_failure()?;
        Ok(text(output.parameter.and_then(|parameter| parameter.value)))
    }
}
