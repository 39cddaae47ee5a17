use std::collections::BTreeSet;

use api::{NodeClaim, labels};
use aws::{Operation, Tags};
use model::Timestamp;

use super::*;
use crate::fake::{Fake, Request};

const MINUTE: Duration = Duration::from_mins(1);
const GET: Operation = Operation::GetInstanceProfile;
const CREATE: Operation = Operation::CreateInstanceProfile;
const ADD: Operation = Operation::AddRoleToInstanceProfile;
const PATH: &str = "/karpenter/us-west-2/test-cluster/9a52/";

struct World {
    fake: Fake,
    clock: Clock,
    profiles: Profiles,
    class: Ec2NodeClass,
}

impl World {
    fn new() -> Self {
        let clock = Clock::simulated(Timestamp::from_seconds(1_800_000_000));
        let fake = Fake::new(clock.clone());
        let cluster = Cluster {
            name: "test-cluster".to_owned(),
            region: "us-west-2".to_owned(),
        };
        let mut class = Ec2NodeClass::default();
        class.metadata.name = "default".to_owned();
        class.metadata.uid = "9a52".to_owned();
        class.spec.role = Some("test-role".to_owned());
        let profiles = Profiles::new(fake.calls().iam, clock.clone(), cluster, 7);
        Self {
            fake,
            clock,
            profiles,
            class,
        }
    }

    async fn try_reconcile(&self) -> Result<Option<String>, ProfileError> {
        self.profiles.reconcile(&self.class, "").await
    }

    /// Reconciles the class, and its status says so.
    async fn reconcile(&mut self) -> String {
        let name = self
            .try_reconcile()
            .await
            .expect("a profile")
            .expect("a name");
        name.clone_into(&mut self.class.status.instance_profile);
        name
    }

    fn role(&mut self, role: &str) {
        self.class.spec.role = Some(role.to_owned());
    }

    /// A profile that is there already, and that the status names.
    fn existing(&mut self, name: &str, role: Option<&str>) {
        let profile = InstanceProfile {
            name: name.to_owned(),
            path: PATH.to_owned(),
            roles: role.into_iter().map(str::to_owned).collect(),
        };
        self.fake.change(|state| {
            state
                .profiles
                .insert(name.to_owned(), (profile, Tags::new()));
        });
        name.clone_into(&mut self.class.status.instance_profile);
    }

    /// Roles by profile, written `name role`.
    fn there(&self) -> Vec<String> {
        self.fake.change(|state| {
            let all = state.profiles.values();
            all.map(|(profile, _)| format!("{} {}", profile.name, profile.roles.join(",")))
                .collect()
        })
    }

    fn names(&self) -> BTreeSet<String> {
        self.fake
            .change(|state| state.profiles.keys().cloned().collect())
    }

    fn iam_calls(&self) -> usize {
        let of_iam = |operation: &&Operation| operation.service() == aws::Service::Iam;
        let operations = Operation::ALL.iter().filter(of_iam);
        operations
            .map(|operation| self.fake.count(*operation))
            .sum()
    }
}

/// IP-1: for a role a profile is made, with path, tags and the role.
#[tokio::test(start_paused = true)]
async fn a_profile_is_made_for_a_role() {
    let mut world = World::new();
    world.class.spec.tags = Tags::from([("team".to_owned(), "a".to_owned())]);
    let name = world.reconcile().await;
    assert!(name.starts_with("test-cluster_"), "{name}");
    assert_eq!(world.there(), [format!("{name} test-role")]);
    let expected = [
        ("eks:eks-cluster-name", "test-cluster"),
        ("karpenter.k8s.aws/ec2nodeclass", "default"),
        ("kubernetes.io/cluster/test-cluster", "owned"),
        ("team", "a"),
        ("topology.kubernetes.io/region", "us-west-2"),
    ];
    let expected: Tags = expected.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
    let asked = [Request::Profile(name.clone(), PATH.to_owned(), expected)];
    assert_eq!(world.fake.requests(CREATE), asked);
    assert!(world.profiles.is_protected(&name));
}

/// IP-1: the status has its name, and the condition holds.
#[test]
fn the_status_of_a_class_names_its_profile() {
    let mut class = Ec2NodeClass::default();
    let now = Timestamp::from_seconds(1_800_000_000);
    let mut findings = aws::class::Findings::new(&mut class, aws::class::Reserved::Used, now);
    findings.instance_profile("test-cluster_1");
    assert_eq!(class.status.instance_profile, "test-cluster_1");
    let conditions = &class.status.conditions;
    assert!(api::condition::is_true(
        conditions,
        aws::class::INSTANCE_PROFILE_READY
    ));
}

/// IP-2: a profile without a role is not completed: there is a new one.
#[tokio::test(start_paused = true)]
async fn a_profile_without_a_role_is_left_alone() {
    let mut world = World::new();
    world.existing("old", None);
    let name = world.reconcile().await;
    assert_ne!(name, "old");
    assert_eq!(world.names().len(), 2);
    assert!(world.there().contains(&"old ".to_owned()));
}

/// IP-3: for another role there is a new profile, and the old one is as it was.
#[tokio::test(start_paused = true)]
async fn another_role_is_another_profile() {
    let mut world = World::new();
    world.existing("old", Some("other-role"));
    let name = world.reconcile().await;
    assert!(world.there().contains(&"old other-role".to_owned()));
    assert!(world.there().contains(&format!("{name} test-role")));
}

/// IP-4: a profile with the role is used as it is, and asked for once.
#[tokio::test(start_paused = true)]
async fn a_profile_with_the_role_is_used() {
    let mut world = World::new();
    world.existing("old", Some("test-role"));
    for _ in 0..2 {
        assert_eq!(world.reconcile().await, "old");
    }
    assert_eq!(world.fake.count(GET), 1);
    assert_eq!(world.iam_calls(), 1);
    world.clock.sleep(MINUTE * 15).await;
    assert_eq!(world.reconcile().await, "old");
    assert_eq!(world.fake.count(GET), 2);
    assert_eq!(world.names().len(), 1);
}

/// IP-5: a profile that the class names is taken without a call.
#[tokio::test(start_paused = true)]
async fn a_profile_that_is_named_is_taken() {
    let mut world = World::new();
    world.class.spec.role = None;
    world.class.spec.instance_profile = Some("mine".to_owned());
    assert_eq!(world.reconcile().await, "mine");
    assert_eq!(world.iam_calls(), 0);
}

/// IP-6: each role has its profile; those before the last are kept for an hour.
#[tokio::test(start_paused = true)]
async fn profiles_of_earlier_roles_are_kept_for_a_while() {
    let mut world = World::new();
    let mut names = Vec::new();
    for role in ["role-a", "role-b", "role-c"] {
        world.role(role);
        names.push(world.reconcile().await);
        world.clock.sleep(MINUTE).await;
    }
    assert_eq!(world.names(), names.iter().cloned().collect());
    assert_eq!(world.names().len(), 3);
    assert_eq!(world.class.status.instance_profile, names[2]);
    assert!(names.iter().all(|name| world.profiles.is_protected(name)));
    world.clock.sleep(MINUTE * 60).await;
    assert!(!names.iter().any(|name| world.profiles.is_protected(name)));
}

/// IP-7: if the status could not be written, the profile that was made is used the next time, but
/// for the same role and class only.
#[tokio::test(start_paused = true)]
async fn a_profile_is_not_made_twice_when_the_status_is_lost() {
    let world = World::new();
    let first = world.try_reconcile().await.expect("a profile");
    assert_eq!(world.try_reconcile().await, Ok(first.clone()));
    assert_eq!(world.fake.count(CREATE), 1);
    let mut other = World {
        class: world.class.clone(),
        ..world
    };
    other.role("another-role");
    let second = other.try_reconcile().await.expect("a profile");
    assert_ne!(second, first);
    other.role("test-role");
    other.class.metadata.uid = "another".to_owned();
    let third = other.try_reconcile().await.expect("a profile");
    assert!(third != first && third != second);
    assert_eq!(other.fake.count(CREATE), 3);
    other.class.metadata.uid = "9a52".to_owned();
    other.clock.sleep(MINUTE).await;
    assert_ne!(other.try_reconcile().await.expect("a profile"), first);
}

/// IP-8: without an answer nothing is made.
#[tokio::test(start_paused = true)]
async fn without_an_answer_nothing_is_made() {
    let mut world = World::new();
    world.existing("old", Some("test-role"));
    let throttled = Failure::new(GET, "Throttling", "slow down");
    world.fake.fail(throttled.clone(), 1);
    assert_eq!(
        world.try_reconcile().await,
        Err(ProfileError::Failed(throttled))
    );
    assert_eq!(world.fake.count(CREATE), 0);
}

/// IP-9: a profile that can't be completed is deleted again.
#[tokio::test(start_paused = true)]
async fn a_profile_that_cannot_be_completed_is_deleted_again() {
    let world = World::new();
    let failure = Failure::new(ADD, "ServiceFailure", "no");
    world.fake.fail(failure.clone(), 1);
    assert_eq!(
        world.try_reconcile().await,
        Err(ProfileError::Failed(failure))
    );
    assert_eq!(world.fake.count(CREATE), 1);
    assert_eq!(world.there(), [""; 0]);
    assert!(world.try_reconcile().await.is_ok());
}

/// IP-10: that a role does not exist is remembered for a minute, also of one that is written with
/// a path; that one exists is not.
#[tokio::test(start_paused = true)]
async fn that_a_role_does_not_exist_is_remembered() {
    let mut world = World::new();
    world
        .fake
        .change(|state| state.roles = Some(BTreeSet::from(["good-role".to_owned()])));
    for role in ["bad-role", "some/path/bad-role"] {
        world.role(role);
        let first = world.try_reconcile().await;
        assert!(matches!(first, Err(ProfileError::Failed(_))), "{first:?}");
        let calls = world.iam_calls();
        let second = world.try_reconcile().await.expect_err("remembered");
        assert!(second.to_string().starts_with("role not found"), "{second}");
        assert_eq!(world.iam_calls(), calls);
        world.clock.sleep(MINUTE).await;
    }
    world.fake.forget_calls();
    for name in ["one", "two"] {
        let created = world.profiles.create(name, &world.class, "good-role").await;
        assert_eq!(created, Ok(()));
    }
    assert_eq!(world.fake.count(ADD), 2);
}

/// IP-11: of a role with a path IAM is told the last part.
#[tokio::test(start_paused = true)]
async fn of_a_role_with_a_path_the_last_part_counts() {
    let mut world = World::new();
    world.role("CustomPath/role");
    let name = world.reconcile().await;
    let asked = [Request::Names(name.clone(), "role".to_owned())];
    assert_eq!(world.fake.requests(ADD), asked);
    // IAM tells the bare name; that is the same role.
    world.clock.sleep(MINUTE * 15).await;
    assert_eq!(world.reconcile().await, name);
    assert_eq!(world.fake.count(CREATE), 1);
}

/// IP-12: a class that names a profile instead of a role keeps the one of the role for a while.
#[tokio::test(start_paused = true)]
async fn the_profile_of_a_role_is_kept_when_another_one_is_named() {
    let mut world = World::new();
    let name = world.reconcile().await;
    world.clock.sleep(MINUTE * 120).await;
    assert!(!world.profiles.is_protected(&name));
    world.class.spec.role = None;
    world.class.spec.instance_profile = Some("mine".to_owned());
    assert_eq!(world.reconcile().await, "mine");
    assert!(world.profiles.is_protected(&name));
}

/// IP-13: profiles that no class and no claim names, and that are not kept for claims to come, are
/// deleted; a failure is tried again.
#[tokio::test(start_paused = true)]
async fn profiles_that_nobody_uses_are_deleted() {
    let mut world = World::new();
    for name in ["by-class", "by-claim", "kept", "unused-1", "unused-2"] {
        world.existing(name, Some("test-role"));
    }
    world.profiles.protect("kept");
    world.class.status.instance_profile = "by-class".to_owned();
    let classes = [Arc::new(world.class.clone())];
    let mut claim = NodeClaim::default();
    let annotation = labels::AWS_INSTANCE_PROFILE_NAME.to_owned();
    claim
        .metadata
        .annotations
        .insert(annotation, "by-claim".to_owned());
    let claims = [Arc::new(claim)];
    let failure = Failure::new(Operation::DeleteInstanceProfile, "ServiceFailure", "no");
    world.fake.fail(failure.clone(), 1);
    let round = || world.profiles.garbage_round(&classes, &claims);
    assert_eq!(round().await, Err(failure));
    assert_eq!(world.names().len(), 5);
    assert_eq!(round().await, Ok(MINUTE * 30));
    let left = ["by-claim", "by-class", "kept"].map(str::to_owned);
    assert_eq!(world.names(), left.into());
    world.clock.sleep(MINUTE * 60).await;
    assert_eq!(round().await, Ok(MINUTE * 30));
    let left = ["by-claim", "by-class"].map(str::to_owned);
    assert_eq!(world.names(), left.into());
}

/// IP-15: profiles are listed by path: those of a class, or of the whole cluster.
#[tokio::test(start_paused = true)]
async fn profiles_are_listed_by_path() {
    let mut world = World::new();
    let first = world.reconcile().await;
    world.class.metadata.uid = "another".to_owned();
    world.class.status.instance_profile.clear();
    let second = world.reconcile().await;
    let path = "/karpenter/us-west-2/test-cluster-2/9a52/";
    let other = world.fake.calls().iam;
    other
        .create_instance_profile("other", path, &Tags::new())
        .await
        .expect("made");
    let list = async |path: &str| {
        let found = world.profiles.list(path).await.expect("a list");
        found
            .into_iter()
            .map(|profile| profile.name)
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(list(PATH).await, [first.clone()].into());
    let of_cluster = "/karpenter/us-west-2/test-cluster/";
    assert_eq!(list(of_cluster).await, [first, second].into());
}

/// IP-16: callers that come at the same time share one profile.
#[tokio::test(start_paused = true)]
async fn callers_share_a_profile() {
    let world = World::new();
    world.fake.answer_after(Duration::from_secs(1));
    let names = futures::future::join_all((0..20).map(|_| world.try_reconcile())).await;
    assert!(names.iter().all(|name| name.is_ok() && *name == names[0]));
    assert_eq!(world.fake.count(CREATE), 1);
    assert_eq!(world.fake.count(ADD), 1);
    assert_eq!(world.profiles.roles.all().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_profile_that_is_there_with_another_role_gets_the_right_one() {
    let mut world = World::new();
    world.existing("old", Some("other-role"));
    world
        .profiles
        .create("old", &world.class, "test-role")
        .await
        .expect("made");
    assert_eq!(world.there(), ["old test-role"]);
    world
        .profiles
        .create("old", &world.class, "test-role")
        .await
        .expect("made");
    assert_eq!(world.fake.count(ADD), 1);
}

#[tokio::test(start_paused = true)]
async fn everything_of_a_class_is_deleted_also_in_the_old_form() {
    let mut world = World::new();
    world.reconcile().await;
    world.existing("without-role", None);
    world.existing("test-cluster_4067990795380418201", Some("test-role"));
    world.existing("users", Some("test-role"));
    world.fake.change(|state| {
        for name in ["users", "test-cluster_4067990795380418201"] {
            let (profile, _) = state.profiles.get_mut(name).expect("it");
            profile.path = "/".to_owned();
        }
    });
    world
        .profiles
        .delete_of_class(&world.class)
        .await
        .expect("deleted");
    assert_eq!(world.there(), ["users test-role"]);
    world
        .profiles
        .delete_of_class(&world.class)
        .await
        .expect("nothing to do");
}
