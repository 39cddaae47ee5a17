//! IAM.

use async_trait::async_trait;
use aws::{Failure, Tags};
use aws_sdk_iam::types;

use super::failure::OrFailure;
use crate::calls::{Iam, InstanceProfile};

/// IAM by the SDK.
pub(super) struct Client(aws_sdk_iam::Client);

impl Client {
    pub(super) fn new(config: aws_sdk_iam::Config) -> Self {
        Self(aws_sdk_iam::Client::from_conf(config))
    }
}

#[async_trait]
impl Iam for Client {
    async fn instance_profile(&self, name: &str) -> Result<InstanceProfile, Failure> {
        let call = self.0.get_instance_profile().instance_profile_name(name);
        let output = call.send().await.or_failure()?;
        Ok(output.instance_profile.map(profile).unwrap_or_default())
    }

    async fn create_instance_profile(
        &self,
        name: &str,
        path: &str,
        tags: &Tags,
    ) -> Result<InstanceProfile, Failure> {
        let call = self
            .0
            .create_instance_profile()
            .instance_profile_name(name)
            .path(path)
            .set_tags(Some(tag_list(tags)));
        let output = call.send().await.or_failure()?;
        Ok(output.instance_profile.map(profile).unwrap_or_default())
    }

    async fn add_role(&self, profile: &str, role: &str) -> Result<(), Failure> {
        let call = self.0.add_role_to_instance_profile();
        let call = call.instance_profile_name(profile).role_name(role);
        call.send().await.or_failure()?;
        Ok(())
    }

    async fn remove_role(&self, profile: &str, role: &str) -> Result<(), Failure> {
        let call = self.0.remove_role_from_instance_profile();
        let call = call.instance_profile_name(profile).role_name(role);
        call.send().await.or_failure()?;
        Ok(())
    }

    async fn delete_instance_profile(&self, name: &str) -> Result<(), Failure> {
        let call = self.0.delete_instance_profile().instance_profile_name(name);
        call.send().await.or_failure()?;
        Ok(())
    }

    async fn instance_profiles(&self, path_prefix: &str) -> Result<Vec<InstanceProfile>, Failure> {
        let call = self.0.list_instance_profiles().path_prefix(path_prefix);
        let pages = call.into_paginator().items().send();
        let profiles = pages.try_collect().await.or_failure()?;
        Ok(profiles.into_iter().map(profile).collect())
    }
}

fn profile(profile: types::InstanceProfile) -> InstanceProfile {
    InstanceProfile {
        name: profile.instance_profile_name,
        path: profile.path,
        roles: profile
            .roles
            .into_iter()
            .map(|role| role.role_name)
            .collect(),
    }
}

/// A tag whose key or value the SDK finds missing can't be: both are given.
fn tag_list(tags: &Tags) -> Vec<types::Tag> {
    let built = tags.iter().map(|(key, value)| {
        let tag = types::Tag::builder().key(key).value(value);
        tag.build()
    });
    built.filter_map(Result::ok).collect()
}
