//! Instance profiles, of IAM.

use aws::Tags;
use provider_aws::calls::InstanceProfile;
use serde_json::json;

use crate::support::Aws;

fn profile(name: &str, path: &str, roles: &[&str]) -> InstanceProfile {
    InstanceProfile {
        name: name.to_owned(),
        path: path.to_owned(),
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
    }
}

#[tokio::test]
async fn a_profile_is_made_gets_a_role_loses_it_and_is_deleted() {
    let aws = Aws::new("profile", "us-west-2").await;
    let iam = &aws.calls.iam;
    aws.moto.role("node-of-a-test").expect("set");
    let tags = Tags::from([
        ("a".to_owned(), "1".to_owned()),
        ("b".to_owned(), String::new()),
    ]);
    let (name, path, role) = ("life", "/karpenter/us-west-2/life/", "node-of-a-test");
    let made = iam.create_instance_profile(name, path, &tags).await;
    assert_eq!(made, Ok(profile(name, path, &[])));
    let again = iam.create_instance_profile(name, path, &tags).await;
    assert!(again.expect_err("it exists").is_already_exists());
    assert_eq!(iam.add_role(name, role).await, Ok(()));
    let second = iam.add_role(name, role).await.expect_err("one role only");
    assert_eq!(second.code, "LimitExceeded");
    let told = iam.instance_profile(name).await;
    assert_eq!(told, Ok(profile(name, path, &[role])));
    let busy = iam.delete_instance_profile(name).await;
    assert_eq!(busy.expect_err("it has a role").code, "DeleteConflict");
    assert_eq!(iam.remove_role(name, role).await, Ok(()));
    assert_eq!(iam.delete_instance_profile(name).await, Ok(()));
    let gone = iam.instance_profile(name).await.expect_err("it is gone");
    assert!(gone.is_not_found() && !gone.is_role_missing(), "{gone}");
    let made = json!({
        "InstanceProfileName": "life",
        "Path": "/karpenter/us-west-2/life/",
        "Tags.member.1.Key": "a",
        "Tags.member.1.Value": "1",
        "Tags.member.2.Key": "b",
        "Tags.member.2.Value": "",
    });
    assert_eq!(aws.asked("CreateInstanceProfile")[0], made);
    let with_role = json!({ "InstanceProfileName": "life", "RoleName": role });
    assert_eq!(aws.asked("AddRoleToInstanceProfile")[0], with_role);
    assert_eq!(aws.asked_once("RemoveRoleFromInstanceProfile"), with_role);
    let named = json!({ "InstanceProfileName": "life" });
    assert_eq!(aws.asked("GetInstanceProfile")[0], named);
    assert_eq!(aws.asked("DeleteInstanceProfile")[0], named);
}

#[tokio::test]
async fn a_role_that_does_not_exist_is_told_apart_from_a_profile() {
    let aws = Aws::new("profile-role", "us-west-2").await;
    let iam = &aws.calls.iam;
    let none = Tags::new();
    let made = iam.create_instance_profile("roleless", "/", &none).await;
    made.expect("a profile");
    let failure = iam.add_role("roleless", "no-such").await;
    let failure = failure.expect_err("no such role");
    assert!(
        failure.is_role_missing() && failure.is_not_found(),
        "{failure}"
    );
    let failure = iam.remove_role("roleless", "no-such").await;
    assert!(failure.expect_err("no such role").is_not_found());
    let failure = iam.delete_instance_profile("no-such").await;
    assert!(failure.expect_err("no such profile").is_not_found());
}

#[tokio::test]
async fn profiles_are_listed_by_path_page_by_page() {
    let aws = Aws::new("profiles", "us-west-2").await;
    let iam = &aws.calls.iam;
    let path = "/karpenter/us-west-2/listed/";
    for (name, path) in [
        ("listed-1", path),
        ("listed-2", path),
        ("listed-3", path),
        ("listed-4", "/karpenter/us-west-2/other/"),
    ] {
        let made = iam.create_instance_profile(name, path, &Tags::new()).await;
        made.expect("a profile");
    }
    aws.pages(2);
    let mut listed = iam.instance_profiles(path).await.expect("a list");
    listed.sort_by(|one, other| one.name.cmp(&other.name));
    let wanted = ["listed-1", "listed-2", "listed-3"].map(|name| profile(name, path, &[]));
    assert_eq!(listed, wanted);
    let asked = aws.asked("ListInstanceProfiles");
    let first = json!({ "PathPrefix": path });
    let second = json!({ "PathPrefix": path, "Marker": "2" });
    assert_eq!(asked, [first, second]);
}
