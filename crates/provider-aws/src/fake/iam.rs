//! IAM.

use async_trait::async_trait;
use aws::{Failure, Operation, Tags};

use super::{Fake, Request};
use crate::calls::{Iam, InstanceProfile};

#[async_trait]
impl Iam for Fake {
    async fn instance_profile(&self, name: &str) -> Result<InstanceProfile, Failure> {
        let operation = Operation::GetInstanceProfile;
        let answer = self.call(operation, Request::Name(name.to_owned())).await?;
        match answer.state.profiles.get(name) {
            Some((profile, _)) => Ok(profile.clone()),
            None => Err(no_profile(operation, name)),
        }
    }

    async fn create_instance_profile(
        &self,
        name: &str,
        path: &str,
        tags: &Tags,
    ) -> Result<InstanceProfile, Failure> {
        let operation = Operation::CreateInstanceProfile;
        let request = Request::Profile(name.to_owned(), path.to_owned(), tags.clone());
        let mut answer = self.call(operation, request).await?;
        let profiles = &mut answer.state.profiles;
        if profiles.contains_key(name) {
            let message = format!("Instance Profile {name} already exists.");
            return Err(Failure::new(operation, "EntityAlreadyExists", &message));
        }
        let profile = InstanceProfile {
            name: name.to_owned(),
            path: path.to_owned(),
            roles: Vec::new(),
        };
        profiles.insert(name.to_owned(), (profile.clone(), tags.clone()));
        Ok(profile)
    }

    async fn add_role(&self, profile: &str, role: &str) -> Result<(), Failure> {
        let operation = Operation::AddRoleToInstanceProfile;
        let request = Request::Names(profile.to_owned(), role.to_owned());
        let mut answer = self.call(operation, request).await?;
        if let Some(roles) = &answer.state.roles
            && !roles.contains(role)
        {
            let message = format!("The role with name {role} cannot be found.");
            return Err(Failure::new(operation, "NoSuchEntity", &message));
        }
        match answer.state.profiles.get_mut(profile) {
            Some((found, _)) if found.roles.is_empty() => {
                found.roles.push(role.to_owned());
                Ok(())
            }
            Some(_) => Err(Failure::new(
                operation,
                "LimitExceeded",
                "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1",
            )),
            None => Err(no_profile(operation, profile)),
        }
    }

    async fn remove_role(&self, profile: &str, role: &str) -> Result<(), Failure> {
        let operation = Operation::RemoveRoleFromInstanceProfile;
        let request = Request::Names(profile.to_owned(), role.to_owned());
        let mut answer = self.call(operation, request).await?;
        match answer.state.profiles.get_mut(profile) {
            Some((found, _)) => {
                found.roles.retain(|one| one != role);
                Ok(())
            }
            None => Err(no_profile(operation, profile)),
        }
    }

    async fn delete_instance_profile(&self, name: &str) -> Result<(), Failure> {
        let operation = Operation::DeleteInstanceProfile;
        let mut answer = self.call(operation, Request::Name(name.to_owned())).await?;
        let profiles = &mut answer.state.profiles;
        match profiles.get(name) {
            Some((profile, _)) if !profile.roles.is_empty() => Err(Failure::new(
                operation,
                "DeleteConflict",
                "Cannot delete entity, must remove roles from instance profile first.",
            )),
            Some(_) => {
                profiles.remove(name);
                Ok(())
            }
            None => Err(no_profile(operation, name)),
        }
    }

    async fn instance_profiles(&self, path_prefix: &str) -> Result<Vec<InstanceProfile>, Failure> {
        let request = Request::Name(path_prefix.to_owned());
        let answer = self.call(Operation::ListInstanceProfiles, request).await?;
        let all = answer.state.profiles.values();
        let of_path = all.filter(|(profile, _)| profile.path.starts_with(path_prefix));
        Ok(of_path.map(|(profile, _)| profile.clone()).collect())
    }
}

fn no_profile(operation: Operation, name: &str) -> Failure {
    let message = format!("Instance Profile {name} cannot be found.");
    Failure::new(operation, "NoSuchEntity", &message)
}
