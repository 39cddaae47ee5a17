//! Price list.

use async_trait::async_trait;
use aws::Failure;
use aws_sdk_pricing::types::{Filter, FilterType};

use super::failure::OrFailure;
use crate::calls::Pricing;

/// Products per page: all that a page takes.
const PAGE: i32 = 100;

/// Price list by the SDK.
pub(super) struct Client(aws_sdk_pricing::Client);

impl Client {
    pub(super) fn new(config: aws_sdk_pricing::Config) -> Self {
        Self(aws_sdk_pricing::Client::from_conf(config))
    }
}

#[async_trait]
impl Pricing for Client {
    async fn products(&self, filters: &[(String, String)]) -> Result<Vec<String>, Failure> {
        let filters = filters.iter().map(|(field, value)| {
            Filter::builder()
                .r#type(FilterType::TermMatch)
                .field(field)
                .value(value)
                .build()
        });
        // No filter lacks anything: all three of its parts are given.
        let filters = filters.filter_map(Result::ok).collect();
        let call = self.0.get_products().service_code("AmazonEC2");
        let call = call.set_filters(Some(filters));
        let pages = call.into_paginator().page_size(PAGE).items().send();
        pages.try_collect().await.or_failure()
    }
}
