//! The corpus can be read whole.

use testkit::corpus;

#[test]
fn every_problem_decodes_and_says_what_the_bar_is() {
    let names = corpus::names();
    assert!(names.len() > 80, "{}", names.len());
    for name in names {
        let problem = corpus::problem(&name);
        let snapshot = problem.snapshot();
        assert!(!problem.items.is_empty(), "{name}");
        assert!(!problem.catalog.types.is_empty(), "{name}");
        let pods = problem
            .items
            .iter()
            .filter(|item| item["kind"] == "Pod")
            .count();
        let known = snapshot.pending_count()
            + snapshot
                .ignored
                .iter()
                .map(|group| group.pods.len())
                .sum::<usize>()
            + snapshot.waiting.len()
            + snapshot
                .nodes
                .iter()
                .map(|node| node.pods.len())
                .sum::<usize>();
        assert!(known <= pods && pods > 0, "{name}: {known} of {pods}");
    }
}
