//! EC2: the calls. What their values become on the wire is in the files beside.

mod discovery;
mod fleet;
mod instance;
mod machine;
mod template;

use async_trait::async_trait;
use aws::ec2::{
    Filter, FleetOutput, FleetRequest, Image, ImageQuery, Instance, InstanceStatus, LaunchTemplate,
    PlacementGroup, PlacementGroupQuery, Reservation, ReservationQuery, RunCheck, SecurityGroup,
    SpotPrice, StatusFilter, StoredTemplate, Subnet, TemplateKey, TerminatedInstance, TypeOffering,
};
use aws::pricing::SPOT_PRODUCTS;
use aws::{Failure, Tags};
use aws_sdk_ec2::config::Builder;
use aws_sdk_ec2::types::LocationType;
use catalog::ec2::Machine;
use model::Timestamp;

use super::failure::OrFailure;
use super::once;
use super::values::date_time;
use crate::calls::Ec2;

/// EC2 by the SDK.
pub(super) struct Client(aws_sdk_ec2::Client);

impl Client {
    pub(super) fn new(config: aws_sdk_ec2::Config) -> Self {
        Self(aws_sdk_ec2::Client::from_conf(config))
    }
}

/// A dry run that would have succeeded has.
fn dry_run<T>(result: Result<T, Failure>) -> Result<(), Failure> {
    match result {
        Err(failure) if !failure.is_dry_run_success() => Err(failure),
        _ => Ok(()),
    }
}

#[async_trait]
impl Ec2 for Client {
    async fn check(&self) -> Result<(), Failure> {
        let call = self.0.describe_instance_types().dry_run(true);
        dry_run(call.send().await.or_failure())
    }

    async fn instance_types(&self) -> Result<Vec<Machine>, Failure> {
        let call = self.0.describe_instance_types();
        let call = call.set_filters(discovery::filters(&machine::filters()));
        let pages = call.into_paginator().page_size(100).items().send();
        let types = pages.try_collect().await.or_failure()?;
        Ok(types.into_iter().map(machine::machine).collect())
    }

    async fn instance_type_offerings(&self) -> Result<Vec<TypeOffering>, Failure> {
        let call = self.0.describe_instance_type_offerings();
        let call = call.location_type(LocationType::AvailabilityZone);
        let pages = call.into_paginator().page_size(1000).items().send();
        let offerings = pages.try_collect().await.or_failure()?;
        Ok(offerings.into_iter().map(discovery::offering).collect())
    }

    async fn spot_prices(&self, start: Timestamp) -> Result<Vec<SpotPrice>, Failure> {
        let call = self
            .0
            .describe_spot_price_history()
            .set_product_descriptions(Some(SPOT_PRODUCTS.map(str::to_owned).to_vec()))
            .start_time(date_time(start));
        let pages = call.into_paginator().page_size(2000).items().send();
        let prices = pages.try_collect().await.or_failure()?;
        Ok(prices.into_iter().map(discovery::spot_price).collect())
    }

    async fn subnets(&self, filters: &[Filter]) -> Result<Vec<Subnet>, Failure> {
        let call = self.0.describe_subnets();
        let call = call.set_filters(discovery::filters(filters));
        let pages = call.into_paginator().page_size(500).items().send();
        let subnets = pages.try_collect().await.or_failure()?;
        Ok(subnets.into_iter().map(discovery::subnet).collect())
    }

    async fn security_groups(&self, filters: &[Filter]) -> Result<Vec<SecurityGroup>, Failure> {
        let call = self.0.describe_security_groups();
        let call = call.set_filters(discovery::filters(filters));
        let pages = call.into_paginator().page_size(500).items().send();
        let groups = pages.try_collect().await.or_failure()?;
        Ok(groups.into_iter().map(discovery::security_group).collect())
    }

    async fn images(&self, query: &ImageQuery) -> Result<Vec<Image>, Failure> {
        let mut call = self.0.describe_images().include_deprecated(true);
        call = call.set_filters(discovery::filters_and_state(&query.filters, "available"));
        for owner in &query.owners {
            call = call.owners(owner);
        }
        let pages = call.into_paginator().page_size(1000).items().send();
        let images = pages.try_collect().await.or_failure()?;
        Ok(images.into_iter().map(discovery::image).collect())
    }

    async fn reservations(&self, query: &ReservationQuery) -> Result<Vec<Reservation>, Failure> {
        let call = self.0.describe_capacity_reservations();
        let pages = match query {
            // EC2 takes no page size beside ids.
            ReservationQuery::Ids(ids) => call
                .set_capacity_reservation_ids(Some(ids.clone()))
                .set_filters(discovery::filters_and_state(&[], "active"))
                .into_paginator(),
            ReservationQuery::Filters(filters) => call
                .set_filters(discovery::filters_and_state(filters, "active"))
                .into_paginator()
                .page_size(1000),
        };
        let reservations = pages.items().send().try_collect().await.or_failure()?;
        Ok(reservations
            .into_iter()
            .map(discovery::reservation)
            .collect())
    }

    async fn placement_groups(
        &self,
        query: &PlacementGroupQuery,
    ) -> Result<Vec<PlacementGroup>, Failure> {
        let call = self.0.describe_placement_groups();
        let call = call.set_filters(discovery::filters_and_state(&[], "available"));
        let call = match query {
            PlacementGroupQuery::Id(id) => call.group_ids(id),
            PlacementGroupQuery::Name(name) => call.group_names(name),
        };
        let output = call.send().await.or_failure()?;
        let groups = output.placement_groups.into_iter().flatten();
        Ok(groups.map(discovery::placement_group).collect())
    }

    async fn launch_template(&self, name: &str) -> Result<Vec<StoredTemplate>, Failure> {
        let call = self
            .0
            .describe_launch_templates()
            .launch_template_names(name);
        let output = call.send().await.or_failure()?;
        let templates = output.launch_templates.into_iter().flatten();
        Ok(templates.map(template::stored).collect())
    }

    async fn launch_templates(&self, filters: &[Filter]) -> Result<Vec<StoredTemplate>, Failure> {
        let call = self.0.describe_launch_templates();
        let call = call.set_filters(discovery::filters(filters));
        let pages = call.into_paginator().page_size(200).items().send();
        let templates = pages.try_collect().await.or_failure()?;
        Ok(templates.into_iter().map(template::stored).collect())
    }

    async fn create_launch_template(
        &self,
        template: &LaunchTemplate,
    ) -> Result<StoredTemplate, Failure> {
        let call = self
            .0
            .create_launch_template()
            .launch_template_name(&template.name)
            .launch_template_data(template::data(&template.data))
            .tag_specifications(template::own_tags(&template.tags));
        let output = call.send().await.or_failure()?;
        Ok(output
            .launch_template
            .map(template::stored)
            .unwrap_or_default())
    }

    async fn delete_launch_template(&self, key: &TemplateKey) -> Result<(), Failure> {
        let call = self.0.delete_launch_template();
        let call = match key {
            TemplateKey::Id(id) => call.launch_template_id(id),
            TemplateKey::Name(name) => call.launch_template_name(name),
        };
        call.send().await.or_failure()?;
        Ok(())
    }

    async fn create_fleet(&self, request: &FleetRequest) -> Result<FleetOutput, Failure> {
        let call = fleet::request(self.0.create_fleet(), request);
        let sent = if request.dry_run {
            let without_retries = Builder::new().retry_config(once());
            let call = call.customize().config_override(without_retries);
            call.send().await
        } else {
            call.send().await
        };
        sent.or_failure().map(fleet::output)
    }

    async fn check_run(&self, check: &RunCheck) -> Result<(), Failure> {
        let call = fleet::run(self.0.run_instances(), check);
        let without_retries = Builder::new().retry_config(once());
        let call = call.customize().config_override(without_retries);
        dry_run(call.send().await.or_failure())
    }

    async fn instances_by_id(
        &self,
        ids: &[String],
        filters: &[Filter],
    ) -> Result<Vec<Instance>, Failure> {
        let call = self.0.describe_instances();
        let call = call.set_instance_ids(Some(ids.to_vec()));
        let call = call.set_filters(discovery::filters(filters));
        // EC2 takes no page size beside ids.
        let pages = call.into_paginator().items().send();
        let reservations = pages.try_collect().await.or_failure()?;
        Ok(instance::instances(reservations))
    }

    async fn instances(&self, filters: &[Filter]) -> Result<Vec<Instance>, Failure> {
        let call = self.0.describe_instances();
        let call = call.set_filters(discovery::filters(filters));
        let pages = call.into_paginator().page_size(1000).items().send();
        let reservations = pages.try_collect().await.or_failure()?;
        Ok(instance::instances(reservations))
    }

    async fn terminate(&self, ids: &[String]) -> Result<Vec<TerminatedInstance>, Failure> {
        let call = self.0.terminate_instances();
        let output = call
            .set_instance_ids(Some(ids.to_vec()))
            .send()
            .await
            .or_failure()?;
        let changes = output.terminating_instances.into_iter().flatten();
        Ok(changes.map(instance::terminated).collect())
    }

    async fn tag(&self, resource: &str, tags: &Tags) -> Result<(), Failure> {
        let call = self.0.create_tags().resources(resource);
        call.set_tags(Some(template::tag_list(tags)))
            .send()
            .await
            .or_failure()?;
        Ok(())
    }

    async fn instance_status(&self, filter: StatusFilter) -> Result<Vec<InstanceStatus>, Failure> {
        let call = self.0.describe_instance_status();
        let call = call.set_filters(discovery::filters(&[filter.filter()]));
        let statuses = call
            .into_paginator()
            .items()
            .send()
            .try_collect()
            .await
            .or_failure()?;
        Ok(statuses.into_iter().map(instance::status).collect())
    }
}
