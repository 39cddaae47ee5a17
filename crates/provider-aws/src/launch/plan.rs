//! What a launch asks for, before subnets are chosen; and its templates.

use std::sync::Arc;

use aws::ec2::{LaunchTemplate, Placement};
use aws::fleet::{self, FLEXIBILITY, LaunchError, TemplateUse, Wanted};
use aws::resources::EFA;
use aws::template::{self, Inputs, NITRO_SANDBOX, Needs};
use catalog::{CapacityType, InstanceType};

use super::{Launch, Launcher, TrialFailed};

/// What a launch asks for.
pub(super) struct Plan {
    pub(super) types: Vec<Arc<InstanceType>>,
    pub(super) capacity_type: CapacityType,
    pub(super) placement: Placement,
    pub(super) partition: Option<String>,
    pub(super) has_efa: bool,
}

/// The templates that a launch needs.
#[derive(Default)]
struct Needed {
    /// What they are for.
    uses: Vec<TemplateUse>,
    /// With the size of their user data, as [`crate::templates::Templates::ensure`] takes it.
    templates: Vec<(LaunchTemplate, usize)>,
}

impl Launcher {
    pub(super) fn plan(&self, launch: &Launch<'_>, wanted: &Wanted) -> Result<Plan, LaunchError> {
        let min_values = self.settings.min_values;
        let filtered = fleet::filter(launch.types, wanted, &self.vocabulary, min_values)?;
        for rejected in &filtered.rejected {
            tracing::debug!(
                nodeclaim = launch.claim.metadata.name,
                filter = rejected.rule.as_str(),
                types = rejected.types.join(","),
                "filtered out instance types from launch"
            );
        }
        let types = filtered.types;
        let capacity_type = fleet::capacity_type(&types, wanted, &self.vocabulary);
        let could_be_spot = wanted.allows(CapacityType::Spot);
        if capacity_type == CapacityType::OnDemand && could_be_spot && types.len() < FLEXIBILITY {
            tracing::error!(
                nodeclaim = launch.claim.metadata.name,
                types = types.len(),
                "at least {FLEXIBILITY} instance types are recommended when flexible to spot but \
                 requesting on-demand"
            );
        }
        let partition = fleet::partition(&types, wanted, &self.vocabulary);
        let tenancy = fleet::tenancy(wanted);
        let has_efa =
            wanted.requests.contains_key(EFA) || !launch.class.spec.network_interfaces.is_empty();
        Ok(Plan {
            placement: template::placement(tenancy, launch.group, partition.as_deref()),
            partition: partition.filter(|_| launch.group.is_some()),
            types,
            capacity_type,
            has_efa,
        })
    }

    /// The templates of the launch, all of them in EC2.
    pub(super) async fn templates(
        &self,
        launch: &Launch<'_>,
        plan: &Plan,
    ) -> Result<Vec<TemplateUse>, LaunchError> {
        let needed = self.needed(launch, plan)?;
        let class = &launch.class.metadata.name;
        let ensured = self.templates.ensure(class, &needed.templates).await;
        ensured.map_err(|failure| LaunchError::template(&failure))?;
        Ok(needed.uses)
    }

    /// A template in EC2 for one type on demand, as a launch would have it; its name.
    pub async fn trial(
        &self,
        launch: &Launch<'_>,
        instance_type: &Arc<InstanceType>,
        tenancy: &str,
    ) -> Result<String, TrialFailed> {
        let plan = Plan {
            types: vec![instance_type.clone()],
            capacity_type: CapacityType::OnDemand,
            placement: template::placement(tenancy, launch.group, None),
            partition: None,
            has_efa: false,
        };
        let needed = self.needed(launch, &plan)?;
        let class = &launch.class.metadata.name;
        self.templates.ensure(class, &needed.templates).await?;
        let nothing = || LaunchError::no_template(&"there is none for the type");
        let first = needed.uses.into_iter().next().ok_or_else(nothing)?;
        Ok(first.name)
    }

    fn needed(&self, launch: &Launch<'_>, plan: &Plan) -> Result<Needed, LaunchError> {
        let class = launch.class;
        let requests = &launch.claim.spec.resources.requests;
        let needs = Needs {
            class,
            images: self.blueprint.images(class, &plan.types),
            requests,
            capacity_type: plan.capacity_type,
        };
        let limits = |one: &InstanceType| self.blueprint.limits(class, one);
        let groups =
            template::groups(&needs, limits).map_err(|why| LaunchError::no_template(&why))?;
        let mut needed = Needed::default();
        for group in groups {
            let user_data = self
                .blueprint
                .user_data(launch, &group, plan.capacity_type)
                .map_err(|why| LaunchError::no_template(&why))?;
            let inputs = Inputs {
                tags: launch.tags,
                region: &self.settings.region,
                addresses: self.settings.addresses,
                image_id: &group.image_id,
                efa: group.efa,
                user_data: user_data.encoded,
                capacity_type: plan.capacity_type,
                reservation: group.reservation.as_ref(),
                reservations: self.settings.reservations,
                placement: plan.placement.clone(),
                enclave: requests.contains_key(NITRO_SANDBOX),
            };
            let template =
                template::request(class, inputs).map_err(|why| LaunchError::no_template(&why))?;
            needed.uses.push(TemplateUse {
                name: template.name.clone(),
                image_id: group.image_id,
                types: group.types,
                reservation: group.reservation,
                zone: None,
            });
            needed.templates.push((template, user_data.bytes));
        }
        Ok(needed)
    }
}
