use super::*;
use crate::ec2::{Filter, ImpairedCheck, StatusFilter};

const NOW: Timestamp = Timestamp::from_seconds(1_767_225_600);

fn failing(category: StatusCategory, seconds: u64) -> ImpairedCheck {
    ImpairedCheck {
        category,
        status: "failed".to_owned(),
        since: Some(NOW.before(Duration::from_secs(seconds))),
    }
}

fn status(id: &str, checks: Vec<ImpairedCheck>, events: &[&str]) -> InstanceStatus {
    let event = |description: &&str| ScheduledEvent {
        code: "instance-retirement".to_owned(),
        description: (*description).to_owned(),
        not_before: None,
    };
    InstanceStatus {
        id: id.to_owned(),
        checks,
        events: events.iter().map(event).collect(),
    }
}

fn of(status: InstanceStatus) -> Vec<Category> {
    let unhealthy = unhealthy([&status], NOW);
    unhealthy.into_values().next().unwrap_or_default()
}

/// IS-1: a check counts once it has failed for two minutes.
#[test]
fn a_check_counts_once_it_has_failed_for_two_minutes() {
    use StatusCategory::{Ebs, Instance, System};
    for (category, seconds, expected) in [
        (Instance, 120, vec![Category::Instance]),
        (Instance, 119, vec![]),
        (System, 600, vec![Category::System]),
        (System, 0, vec![]),
        (Ebs, 600, vec![]),
    ] {
        let found = of(status("i-1", vec![failing(category, seconds)], &[]));
        assert_eq!(found, expected, "{category:?} {seconds}");
    }
    let mut unknown = failing(Instance, 600);
    unknown.since = None;
    assert_eq!(of(status("i-1", vec![unknown], &[])), []);
}

/// IS-5: what is well is left alone.
#[test]
fn checks_that_do_not_fail_are_nothing() {
    for text in ["passed", "insufficient-data", "initializing"] {
        let mut check = failing(StatusCategory::Instance, 600);
        check.status = text.to_owned();
        assert_eq!(of(status("i-1", vec![check], &[])), [], "{text}");
    }
}

/// IS-2: events count at once, after what is worse.
#[test]
fn events_count_at_once_and_failed_checks_come_first() {
    let retires = "The instance is running on degraded hardware";
    assert_eq!(of(status("i-1", vec![], &[retires])), [Category::Event]);
    let checks = vec![
        failing(StatusCategory::System, 600),
        failing(StatusCategory::Instance, 600),
    ];
    let all = [Category::Instance, Category::System, Category::Event];
    assert_eq!(of(status("i-1", checks, &[retires])), all);
}

#[test]
fn events_that_are_over_are_nothing() {
    for over in ["[Completed] x", "[Canceled] x", " [Completed] x"] {
        assert_eq!(of(status("i-1", vec![], &[over])), [], "{over}");
    }
    assert_eq!(
        of(status("i-1", vec![], &["[Completed] x", "y"])),
        [Category::Event]
    );
}

#[test]
fn of_several_answers_about_an_instance_the_first_counts() {
    let bad = status("i-1", vec![failing(StatusCategory::Instance, 600)], &[]);
    let event = status("i-1", vec![], &["x"]);
    let other = status("i-2", vec![], &["x"]);
    let found = unhealthy([&bad, &event, &other], NOW);
    let expected = BTreeMap::from([
        ("i-1".to_owned(), vec![Category::Instance]),
        ("i-2".to_owned(), vec![Category::Event]),
    ]);
    assert_eq!(found, expected);
}

/// IS-4: what is wrong is counted once, and again after it was well for a look.
#[test]
fn what_is_wrong_is_counted_once_until_it_was_well() {
    let mut known = Known::default();
    let now = |ids: &[&str]| -> BTreeSet<(String, Category)> {
        let each = ids.iter().map(|id| ((*id).to_owned(), Category::System));
        each.collect()
    };
    assert_eq!(known.update(now(&["a"])).len(), 1);
    assert_eq!(known.update(now(&["a"])), []);
    assert_eq!(
        known.update(now(&["a", "b"])),
        [("b".to_owned(), Category::System)]
    );
    assert_eq!(known.update(now(&[])), []);
    assert_eq!(known.update(now(&["a", "b"])).len(), 2);
}

#[test]
fn ec2_is_asked_for_failing_checks_and_for_events_that_end_or_stop_an_instance() {
    let impaired = |name| Filter::new(name, ["impaired"]);
    for (asked, expected) in [
        (
            StatusFilter::InstanceImpaired,
            impaired("instance-status.status"),
        ),
        (
            StatusFilter::SystemImpaired,
            impaired("system-status.status"),
        ),
        (
            StatusFilter::Event,
            Filter::new(
                "event.code",
                [
                    "instance-reboot",
                    "system-reboot",
                    "system-maintenance",
                    "instance-retirement",
                    "instance-stop",
                ],
            ),
        ),
    ] {
        assert_eq!(asked.filter(), expected);
    }
}
