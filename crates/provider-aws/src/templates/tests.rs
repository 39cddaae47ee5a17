use aws::ec2::TemplateData;
use aws::{Cluster, Tags};

use super::*;
use crate::fake::Fake;

const CREATE: Operation = Operation::CreateLaunchTemplate;
const DESCRIBE: Operation = Operation::DescribeLaunchTemplates;
const DELETE: Operation = Operation::DeleteLaunchTemplate;

struct World {
    fake: Fake,
    clock: Clock,
    metrics: Metrics,
    templates: Templates,
}

fn world() -> World {
    let clock = Clock::simulated("2026-01-01T00:00:00Z".parse().expect("a time"));
    let fake = Fake::empty(clock.clone());
    let metrics = Metrics::new();
    let ec2 = fake.calls().ec2;
    let templates = Templates::new(ec2, "test-cluster", clock.clone(), metrics.clone());
    World {
        fake,
        clock,
        metrics,
        templates,
    }
}

impl World {
    /// Another process of the same cluster.
    fn restarted(&self) -> Templates {
        let ec2 = self.fake.calls().ec2;
        let metrics = self.metrics.clone();
        Templates::new(ec2, "test-cluster", self.clock.clone(), metrics)
    }

    async fn ensure(&self, template: &LaunchTemplate) {
        let wanted = [(template.clone(), 100)];
        let done = self.templates.ensure("default", &wanted).await;
        done.expect("the template is there");
    }

    fn there(&self) -> Vec<String> {
        self.fake
            .change(|state| state.templates.keys().cloned().collect())
    }

    fn counts(&self) -> (usize, usize, usize) {
        let count = |operation| self.fake.count(operation);
        (count(DESCRIBE), count(CREATE), count(DELETE))
    }
}

/// A template of a class, with user data of its own.
fn template(class: &str, user_data: &str) -> LaunchTemplate {
    let cluster = Cluster {
        name: "test-cluster".to_owned(),
        region: "us-west-2".to_owned(),
    };
    let mut of = Ec2NodeClass::default();
    class.clone_into(&mut of.metadata.name);
    let tags: Tags = cluster.tags(&of, "pool").expect("tags");
    let data = TemplateData {
        user_data: user_data.to_owned(),
        ..TemplateData::default()
    };
    LaunchTemplate {
        name: aws::template::name(&tags, &data),
        tags,
        data,
    }
}

#[tokio::test(start_paused = true)]
async fn a_template_is_made_once_and_used_again() {
    let world = world();
    let one = template("default", "a");
    world.ensure(&one).await;
    world.ensure(&one).await;
    assert_eq!(world.counts(), (1, 1, 0));
    assert_eq!(world.there(), [one.name.as_str()]);
    // Another process finds it.
    let again = world.restarted();
    again.ensure("default", &[(one, 0)]).await.expect("found");
    assert_eq!(world.counts(), (2, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_template_that_somebody_else_made_meanwhile_is_used() {
    let world = world();
    let one = template("default", "a");
    world.ensure(&one).await;
    // EC2 does not show yet that it is there.
    let code = "InvalidLaunchTemplateName.NotFoundException";
    world.fake.fail(Failure::new(DESCRIBE, code, "not yet"), 1);
    let again = world.restarted();
    let wanted = [(one.clone(), 0)];
    again.ensure("default", &wanted).await.expect("found");
    assert_eq!(world.there(), [one.name]);
}

#[tokio::test(start_paused = true)]
async fn a_template_goes_when_nothing_has_used_it_for_a_minute() {
    let world = world();
    let (used, unused) = (template("default", "a"), template("default", "b"));
    world.ensure(&used).await;
    world.ensure(&unused).await;
    let run = world.templates.run();
    let use_it = async {
        for _ in 0..8 {
            world.clock.sleep(Duration::from_secs(30)).await;
            world.ensure(&used).await;
        }
    };
    tokio::pin!(run);
    tokio::select! {
        biased;
        () = &mut run => panic!("it runs for ever"),
        () = use_it => {}
    }
    assert_eq!(world.there(), [used.name.as_str()]);
    let idle = world.clock.sleep(Duration::from_mins(3));
    tokio::select! {
        biased;
        () = &mut run => panic!("it runs for ever"),
        () = idle => {}
    }
    assert_eq!(world.there(), [""; 0]);
    assert_eq!(world.fake.count(DELETE), 2);
}

#[tokio::test(start_paused = true)]
async fn what_an_earlier_process_left_goes_too() {
    let world = world();
    world.ensure(&template("default", "a")).await;
    let next = world.restarted();
    next.hydrate().await;
    next.sweep().await;
    assert_eq!(world.there().len(), 1, "not at once");
    world.clock.sleep(UNUSED).await;
    next.sweep().await;
    assert_eq!(world.there(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_ec2_says_is_gone_is_looked_for_again_but_not_deleted() {
    let world = world();
    let one = template("default", "a");
    world.ensure(&one).await;
    world.templates.invalidate(&one.name);
    world.clock.sleep(2 * UNUSED).await;
    world.templates.sweep().await;
    assert_eq!(world.there(), [one.name.as_str()]);
    world.ensure(&one).await;
    assert_eq!(world.counts(), (2, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_template_that_is_gone_already_is_no_failure_of_a_sweep() {
    let world = world();
    world.ensure(&template("default", "a")).await;
    world.fake.change(|state| state.templates.clear());
    world.clock.sleep(UNUSED).await;
    world.templates.sweep().await;
    world.templates.sweep().await;
    assert_eq!(world.fake.count(DELETE), 1, "and it is forgotten");
}

/// LT-22: user data gauge set on create, removed on NodeClass deletion.
///
/// LT-23: NodeClass deleted / only templates tagged with it are deleted; delete failure / finalizer
/// stays.
#[tokio::test(start_paused = true)]
async fn the_templates_of_a_class_go_with_it() {
    let world = world();
    let (mine, other) = (template("default", "a"), template("other", "a"));
    world.ensure(&mine).await;
    let size = |class: &str| world.metrics.value(&names::USERDATA_BYTES, &[class]);
    assert_eq!(size("default"), Some(100.0));
    let done = world.templates.ensure("other", &[(other.clone(), 7)]).await;
    done.expect("the template is there");
    let mut class = Ec2NodeClass::default();
    "default".clone_into(&mut class.metadata.name);

    let denied = Failure::new(DELETE, "UnauthorizedOperation", "no");
    world.fake.fail(denied.clone(), 1);
    let failed = world.templates.delete_all(&class).await;
    assert_eq!(failed, Err(vec![denied]), "whoever asked keeps the class");
    assert_eq!(world.there().len(), 2);

    world.templates.delete_all(&class).await.expect("deleted");
    assert_eq!(world.there(), [other.name]);
    assert_eq!((size("default"), size("other")), (None, Some(7.0)));
}

#[tokio::test(start_paused = true)]
async fn two_launches_do_not_make_the_same_template() {
    let world = world();
    let one = template("default", "a");
    tokio::join!(world.ensure(&one), world.ensure(&one));
    assert_eq!(world.counts(), (1, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_failure_of_ec2_is_told() {
    let world = world();
    let denied = Failure::new(CREATE, "UnauthorizedOperation", "no");
    world.fake.fail(denied.clone(), 1);
    let wanted = [(template("default", "a"), 0)];
    let failed = world.templates.ensure("default", &wanted).await;
    assert_eq!(failed, Err(denied));
}
