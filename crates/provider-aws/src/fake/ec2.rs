//! EC2.

use async_trait::async_trait;
use aws::ec2::{
    Filter, FleetOutput, FleetRequest, Image, ImageQuery, Instance, InstanceState, InstanceStatus,
    LaunchTemplate, PlacementGroup, PlacementGroupQuery, Reservation, ReservationQuery, RunCheck,
    SecurityGroup, SpotPrice, StatusFilter, StoredTemplate, Subnet, TemplateKey,
    TerminatedInstance, TypeOffering,
};
use aws::{Failure, Operation, Tags};
use catalog::ec2::Machine;
use model::Timestamp;

use super::filters::matches;
use super::{Fake, Request, fleet};
use crate::calls::Ec2;

const NO_PRICES: &str = "no pricing data provided";

fn filtered(filters: &[Filter]) -> Request {
    Request::Filters(filters.to_vec())
}

#[async_trait]
impl Ec2 for Fake {
    async fn check(&self) -> Result<(), Failure> {
        self.call(Operation::DescribeInstanceTypes, Request::Plain)
            .await
            .map(drop)
    }

    async fn instance_types(&self) -> Result<Vec<Machine>, Failure> {
        let answer = self
            .call(Operation::DescribeInstanceTypes, Request::Plain)
            .await?;
        Ok(answer.state.machines.clone())
    }

    async fn instance_type_offerings(&self) -> Result<Vec<TypeOffering>, Failure> {
        let answer = self
            .call(Operation::DescribeInstanceTypeOfferings, Request::Plain)
            .await?;
        Ok(answer.state.offerings.clone())
    }

    async fn spot_prices(&self, start: Timestamp) -> Result<Vec<SpotPrice>, Failure> {
        let operation = Operation::DescribeSpotPriceHistory;
        let answer = self.call(operation, Request::Since(start)).await?;
        if answer.state.spot_prices.is_empty() {
            return Err(Failure::new(operation, "InternalError", NO_PRICES));
        }
        Ok(answer.state.spot_prices.clone())
    }

    async fn subnets(&self, filters: &[Filter]) -> Result<Vec<Subnet>, Failure> {
        let answer = self
            .call(Operation::DescribeSubnets, filtered(filters))
            .await?;
        let all = answer.state.subnets.iter();
        let matching = all.filter(|one| {
            matches(filters, &one.tags, |name| match name {
                "subnet-id" => Some(&one.subnet.id),
                _ => None,
            })
        });
        Ok(matching.map(|one| one.subnet.clone()).collect())
    }

    async fn security_groups(&self, filters: &[Filter]) -> Result<Vec<SecurityGroup>, Failure> {
        let answer = self
            .call(Operation::DescribeSecurityGroups, filtered(filters))
            .await?;
        let all = answer.state.groups.iter();
        let matching = all.filter(|one| {
            matches(filters, &one.tags, |name| match name {
                "group-id" => Some(&one.group.id),
                "group-name" => Some(&one.group.name),
                _ => None,
            })
        });
        Ok(matching.map(|one| one.group.clone()).collect())
    }

    async fn images(&self, query: &ImageQuery) -> Result<Vec<Image>, Failure> {
        let request = Request::Images(query.clone());
        let answer = self.call(Operation::DescribeImages, request).await?;
        let all = answer.state.images.iter();
        let owned = all.filter(|one| query.owners.is_empty() || query.owners.contains(&one.owner));
        let matching = owned.filter(|one| {
            matches(&query.filters, &one.tags, |name| match name {
                "image-id" => Some(&one.image.id),
                "name" => Some(&one.image.name),
                "architecture" => Some(&one.image.architecture),
                _ => None,
            })
        });
        Ok(matching.map(|one| one.image.clone()).collect())
    }

    async fn reservations(&self, query: &ReservationQuery) -> Result<Vec<Reservation>, Failure> {
        let operation = Operation::DescribeCapacityReservations;
        let answer = self
            .call(operation, Request::Reservations(query.clone()))
            .await?;
        let all = answer.state.reservations.iter();
        match query {
            ReservationQuery::Ids(ids) => {
                let known = |id: &String| {
                    let mut all = answer.state.reservations.iter();
                    all.any(|one| one.reservation.id == *id)
                };
                if let Some(unknown) = ids.iter().find(|id| !known(id)) {
                    let code = "InvalidCapacityReservationId.NotFound";
                    return Err(Failure::new(operation, code, unknown));
                }
                let all = all.filter(|one| ids.contains(&one.reservation.id));
                Ok(all.map(|one| one.reservation.clone()).collect())
            }
            ReservationQuery::Filters(filters) => {
                let matching = all.filter(|one| {
                    matches(filters, &one.tags, |name| match name {
                        "owner-id" => Some(&one.reservation.owner_id),
                        "instance-match-criteria" => Some(&one.reservation.instance_match_criteria),
                        _ => None,
                    })
                });
                Ok(matching.map(|one| one.reservation.clone()).collect())
            }
        }
    }

    async fn placement_groups(
        &self,
        query: &PlacementGroupQuery,
    ) -> Result<Vec<PlacementGroup>, Failure> {
        let request = Request::PlacementGroup(query.clone());
        let answer = self
            .call(Operation::DescribePlacementGroups, request)
            .await?;
        let all = answer.state.placement_groups.iter();
        let found = all.filter(|group| match query {
            PlacementGroupQuery::Id(id) => group.id == *id,
            PlacementGroupQuery::Name(name) => group.name == *name,
        });
        Ok(found.cloned().collect())
    }

    async fn launch_template(&self, name: &str) -> Result<Vec<StoredTemplate>, Failure> {
        let operation = Operation::DescribeLaunchTemplates;
        let answer = self.call(operation, Request::Name(name.to_owned())).await?;
        match answer.state.templates.get(name) {
            Some((stored, _)) => Ok(vec![stored.clone()]),
            None => Err(no_template(operation, name)),
        }
    }

    async fn launch_templates(&self, filters: &[Filter]) -> Result<Vec<StoredTemplate>, Failure> {
        let answer = self
            .call(Operation::DescribeLaunchTemplates, filtered(filters))
            .await?;
        let all = answer.state.templates.values();
        let matching = all.filter(|(_, template)| matches(filters, &template.tags, |_| None));
        Ok(matching.map(|(stored, _)| stored.clone()).collect())
    }

    async fn create_launch_template(
        &self,
        template: &LaunchTemplate,
    ) -> Result<StoredTemplate, Failure> {
        let operation = Operation::CreateLaunchTemplate;
        let request = Request::Template(Box::new(template.clone()));
        let mut answer = self.call(operation, request).await?;
        let state = &mut answer.state;
        if state.templates.contains_key(&template.name) {
            let code = "InvalidLaunchTemplateName.AlreadyExistsException";
            return Err(Failure::new(operation, code, &template.name));
        }
        let stored = StoredTemplate {
            id: format!("lt-{:017x}", state.number()),
            name: template.name.clone(),
        };
        let kept = (stored.clone(), template.clone());
        state.templates.insert(template.name.clone(), kept);
        Ok(stored)
    }

    async fn delete_launch_template(&self, key: &TemplateKey) -> Result<(), Failure> {
        let operation = Operation::DeleteLaunchTemplate;
        let mut answer = self
            .call(operation, Request::TemplateKey(key.clone()))
            .await?;
        let templates = &mut answer.state.templates;
        match key {
            TemplateKey::Name(name) => match templates.remove(name) {
                Some(_) => Ok(()),
                None => Err(no_template(operation, name)),
            },
            TemplateKey::Id(id) => {
                let before = templates.len();
                templates.retain(|_, (stored, _)| stored.id != *id);
                if templates.len() < before {
                    return Ok(());
                }
                Err(Failure::new(
                    operation,
                    "InvalidLaunchTemplateId.NotFound",
                    id,
                ))
            }
        }
    }

    async fn create_fleet(&self, request: &FleetRequest) -> Result<FleetOutput, Failure> {
        let operation = Operation::CreateFleet;
        let noted = Request::Fleet(Box::new(request.clone()));
        let mut answer = self.call(operation, noted).await?;
        let templates = &answer.state.templates;
        let mut wanted = request.configs.iter().map(|config| &config.template);
        if let Some(unknown) = wanted.find(|name| !templates.contains_key(*name)) {
            return Err(no_template(operation, unknown));
        }
        if request.dry_run {
            return Err(dry_run(operation));
        }
        fleet::once(&mut answer, request)
    }

    async fn check_run(&self, check: &RunCheck) -> Result<(), Failure> {
        let request = Request::Run(Box::new(check.clone()));
        self.call(Operation::RunInstances, request).await.map(drop)
    }

    async fn instances_by_id(
        &self,
        ids: &[String],
        filters: &[Filter],
    ) -> Result<Vec<Instance>, Failure> {
        let operation = Operation::DescribeInstances;
        let request = Request::Ids(ids.to_vec(), filters.to_vec());
        let answer = self.call(operation, request).await?;
        let all = &answer.state.instances;
        if let Some(unknown) = ids.iter().find(|id| !all.contains_key(*id)) {
            let code = "InvalidInstanceID.NotFound";
            let message = format!("The instance ID '{unknown}' does not exist");
            return Err(Failure::new(operation, code, &message));
        }
        let found = ids.iter().filter_map(|id| all.get(id));
        let found = found.filter(|instance| instance_matches(filters, instance));
        Ok(found.cloned().collect())
    }

    async fn instances(&self, filters: &[Filter]) -> Result<Vec<Instance>, Failure> {
        let answer = self
            .call(Operation::DescribeInstances, filtered(filters))
            .await?;
        let all = answer.state.instances.values();
        let found = all.filter(|instance| instance_matches(filters, instance));
        Ok(found.cloned().collect())
    }

    async fn terminate(&self, ids: &[String]) -> Result<Vec<TerminatedInstance>, Failure> {
        let request = Request::Ids(ids.to_vec(), Vec::new());
        let mut answer = self.call(Operation::TerminateInstances, request).await?;
        let mut ended = Vec::new();
        for id in ids {
            if let Some(instance) = answer.state.instances.get_mut(id) {
                // Terminated at once, as the answer does not say.
                instance.state = InstanceState::Terminated;
                ended.push(TerminatedInstance {
                    id: id.clone(),
                    state: InstanceState::ShuttingDown,
                });
            }
        }
        Ok(ended)
    }

    async fn tag(&self, resource: &str, tags: &Tags) -> Result<(), Failure> {
        let operation = Operation::CreateTags;
        let request = Request::Tags(resource.to_owned(), tags.clone());
        let mut answer = self.call(operation, request).await?;
        match answer.state.instances.get_mut(resource) {
            Some(instance) => {
                instance.tags.extend(tags.clone());
                Ok(())
            }
            None => Err(Failure::new(
                operation,
                "InvalidInstanceID.NotFound",
                resource,
            )),
        }
    }

    async fn instance_status(&self, filter: StatusFilter) -> Result<Vec<InstanceStatus>, Failure> {
        let request = Request::Status(filter);
        let answer = self
            .call(Operation::DescribeInstanceStatus, request)
            .await?;
        let all = answer.state.statuses.iter();
        let matching = all.filter(|(of, _)| *of == filter);
        Ok(matching.map(|(_, status)| status.clone()).collect())
    }
}

fn instance_matches(filters: &[Filter], instance: &Instance) -> bool {
    matches(filters, &instance.tags, |name| match name {
        "instance-state-name" => Some(instance.state.as_str()),
        "instance-id" => Some(&instance.id),
        _ => None,
    })
}

fn no_template(operation: Operation, name: &str) -> Failure {
    let code = "InvalidLaunchTemplateName.NotFoundException";
    let message = format!("At least one of the launch templates specified, {name}, does not exist");
    Failure::new(operation, code, &message)
}

/// What EC2 answers to a dry run that would succeed.
pub(super) fn dry_run(operation: Operation) -> Failure {
    let message = "Request would have succeeded, but DryRun flag is set.";
    let mut failure = Failure::new(operation, "DryRunOperation", message);
    failure.status = Some(412);
    failure
}
