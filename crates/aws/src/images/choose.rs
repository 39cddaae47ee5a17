//! Which machine runs which image of a class.

use std::sync::Arc;

use api::NodeRequirement;
use api::ec2nodeclass::Ami;
use catalog::InstanceType;
use requirements::{AllowUndefined, Requirement, Requirements};

/// The images of a class' status, ready to choose from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choices {
    /// By preference.
    images: Vec<(String, Requirements)>,
}

impl Choices {
    /// From a class' status.
    pub fn new(images: &[Ami]) -> Self {
        let requirements = |image: &Ami| -> Requirements {
            let items = image.requirements.iter().map(|item| {
                Requirement::from(&NodeRequirement {
                    key: item.key.clone(),
                    operator: item.operator.clone(),
                    values: item.values.clone(),
                    min_values: None,
                })
            });
            items.collect()
        };
        let images = images
            .iter()
            .map(|image| (image.id.clone(), requirements(image)));
        Self {
            images: images.collect(),
        }
    }

    /// The id of the image for a machine: the first that it can run. A label that the machine does
    /// not speak of is one that it does not have.
    pub fn image_for(&self, machine: &Requirements) -> Option<&str> {
        let runs = |image: &Requirements| machine.is_compatible(image, &AllowUndefined::Nothing);
        let found = self.images.iter().find(|(_, image)| runs(image));
        found.map(|(id, _)| id.as_str())
    }

    /// The types with the id of the image that each runs, in their order. Types that none is for
    /// are left out.
    pub fn images_for(&self, types: &[Arc<InstanceType>]) -> Vec<(Arc<InstanceType>, String)> {
        let image = |one: &Arc<InstanceType>| {
            let id = self.image_for(&one.requirements)?;
            Some((one.clone(), id.to_owned()))
        };
        types.iter().filter_map(image).collect()
    }
}
