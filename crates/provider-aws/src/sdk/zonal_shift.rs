//! Zonal shift.

use async_trait::async_trait;
use aws::Failure;
use aws_sdk_arczonalshift::types::AppliedStatus;
use model::Timestamp;

use super::failure::OrFailure;
use super::values::time;
use crate::calls::{Shift, ZonalShift};

/// Zonal shift by the SDK.
pub(super) struct Client(aws_sdk_arczonalshift::Client);

impl Client {
    pub(super) fn new(config: aws_sdk_arczonalshift::Config) -> Self {
        Self(aws_sdk_arczonalshift::Client::from_conf(config))
    }
}

#[async_trait]
impl ZonalShift for Client {
    async fn shifts(&self, arn: &str) -> Result<Vec<Shift>, Failure> {
        let call = self.0.get_managed_resource().resource_identifier(arn);
        let output = call.send().await.or_failure()?;
        let shifts = output.zonal_shifts.into_iter();
        Ok(shifts
            .map(|shift| Shift {
                // A time that can't be told is farther than any that can.
                expires: time(Some(&shift.expiry_time)).unwrap_or(Timestamp::MAX),
                applied: shift.applied_status == AppliedStatus::Applied,
                zone_id: shift.away_from,
            })
            .collect())
    }
}
