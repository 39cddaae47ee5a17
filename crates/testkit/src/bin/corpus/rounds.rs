//! Disruption: the first round against the reference's, and all rounds until nothing is left to be
//! done.

use std::collections::BTreeMap;
use std::time::Duration;

use disruption::{Memory, Options, plan};
use serde_json::{Value, json};
use testkit::corpus::{Course, End, Problem, follow};

use crate::report::{SHOWN, bars, figure};

/// A problem with what came of it.
pub(crate) struct Followed {
    problem: Problem,
    course: Course,
    /// The shortest time of a first look.
    took: Duration,
}

/// Measures the first look, and follows all rounds.
#[expect(
    clippy::disallowed_methods,
    reason = "a program that measures, and the only thing that it does with the time"
)]
pub(crate) fn run(problem: Problem, runs: u32) -> Followed {
    let snapshot = problem.snapshot();
    let options = Options {
        threads: std::thread::available_parallelism().map_or(1, usize::from),
        ..problem.look()
    };
    let mut took = Duration::MAX;
    for _ in 0..runs {
        let start = std::time::Instant::now();
        let mut memory = Memory::default();
        std::hint::black_box(plan(&mut memory, &snapshot, &options, problem.now, 1));
        took = took.min(start.elapsed());
    }
    Followed {
        course: follow(&problem),
        problem,
        took,
    }
}

/// What the reference's first round saves an hour; nothing is 0, not -0.
fn by_reference(problem: &Problem) -> f64 {
    0.0 - problem.reference.price_per_hour
}

/// Every bar that is missed, in words.
pub(crate) fn missed(followed: &[Followed]) -> Vec<String> {
    let mut missed = Vec::new();
    for Followed {
        problem, course, ..
    } in followed
    {
        let name = &problem.name;
        if let Some(first) = course.fault() {
            missed.push(format!(
                "{name}: invalid in round {}: {first}",
                course.rounds.len()
            ));
        }
        if course.saves_less(problem) {
            missed.push(format!(
                "{name}: saves {:.5}, the reference {:.5}",
                course.saved(),
                by_reference(problem)
            ));
        }
        match course.end {
            End::Settled | End::Invalid => {}
            End::Circle => missed.push(format!(
                "{name}: round {} brings back a cost that there was before",
                course.rounds.len()
            )),
            End::Endless => missed.push(format!(
                "{name}: not settled after {} rounds",
                course.rounds.len()
            )),
        }
    }
    missed
}

/// The tables, and what is missed.
pub(crate) fn print(followed: &[Followed], problems: bool, missed: &[String]) {
    println!();
    if problems {
        lines(followed);
    }
    table(followed);
    println!(
        "\ninvalid: in any round. less: the first round saves less than the reference's. open: not \
         settled after 50 rounds, or going in circles. saved, nodes: of\nthe first round, in sums; no \
         bar: the reference does not say what its new nodes cost, and they are left out of saved and \
         reference. settled: cost in the\nend to cost before. moved: pods that move in all rounds. \
         time: of the first look, in sum to the reference's."
    );
    bars(missed);
}

fn lines(followed: &[Followed]) {
    println!(
        "{:30} {:>11} {:>11} {:>7} {:>5} {:>6} {:>11} {:>11} {:>6} {:>6} {:>9} {:>9}  remarks",
        "problem",
        "saved",
        "reference",
        "nodes",
        "ref",
        "moved",
        "cost before",
        "in the end",
        "rounds",
        "in all",
        "ms",
        "ref ms",
    );
    for one in followed {
        let (course, bar) = (&one.course, &one.problem.reference);
        let first = course.rounds.first();
        println!(
            "{:30} {:11.5} {:11.5} {:7} {:5} {:6} {:11.5} {:11.5} {:6} {:6} {:9.2} {:9.1}  {}",
            one.problem.name,
            course.saved(),
            by_reference(&one.problem),
            first.map_or(0, |round| round.nodes),
            bar.nodes,
            first.map_or(0, |round| round.evictions),
            course.before.dollars(),
            course.after.dollars(),
            course
                .rounds
                .iter()
                .filter(|round| round.commands > 0)
                .count(),
            course.evictions(),
            one.took.as_secs_f64() * 1e3,
            bar.solve_ms,
            remarks(one).join(", ")
        );
        let faults = course.rounds.iter().flat_map(|round| &round.faults);
        for fault in faults.clone().take(SHOWN) {
            println!("    {fault}");
        }
        let count = faults.count();
        if count > SHOWN {
            println!("    and {} more", count - SHOWN);
        }
    }
    println!();
}

fn remarks(one: &Followed) -> Vec<&'static str> {
    let rows = [
        (one.course.fault().is_some(), "INVALID"),
        (one.course.saves_less(&one.problem), "LESS"),
        (one.course.end == End::Circle, "CIRCLE"),
        (one.course.end == End::Endless, "ENDLESS"),
        (!one.problem.has_saving(), "no bar"),
    ];
    rows.into_iter()
        .filter(|(is_so, _)| *is_so)
        .map(|(_, text)| text)
        .collect()
}

/// What came of the problems of one group.
#[derive(Default)]
struct Sums {
    problems: usize,
    invalid: usize,
    less: usize,
    open: usize,
    no_bar: usize,
    saved: f64,
    reference: f64,
    nodes: i64,
    reference_nodes: i64,
    before: f64,
    after: f64,
    rounds: usize,
    most_rounds: usize,
    moved: usize,
    ms: f64,
    reference_ms: f64,
}

impl Sums {
    fn add(&mut self, one: &Followed) {
        let (course, bar) = (&one.course, &one.problem.reference);
        self.problems += 1;
        self.invalid += usize::from(course.fault().is_some());
        self.less += usize::from(course.saves_less(&one.problem));
        self.open += usize::from(matches!(course.end, End::Circle | End::Endless));
        if one.problem.has_saving() {
            self.saved += course.saved();
            self.reference += by_reference(&one.problem);
        } else {
            self.no_bar += 1;
        }
        self.nodes += course.rounds.first().map_or(0, |round| round.nodes);
        self.reference_nodes += bar.nodes;
        self.before += course.before.dollars();
        self.after += course.after.dollars();
        let rounds = course
            .rounds
            .iter()
            .filter(|round| round.commands > 0)
            .count();
        self.rounds += rounds;
        self.most_rounds = self.most_rounds.max(rounds);
        self.moved += course.evictions();
        self.ms += one.took.as_secs_f64() * 1e3;
        self.reference_ms += bar.solve_ms;
    }

    fn settled(&self) -> Option<f64> {
        (self.before > 0.0).then(|| self.after / self.before)
    }

    fn time(&self) -> Option<f64> {
        (self.reference_ms > 0.0).then(|| self.ms / self.reference_ms)
    }
}

/// By group, and in all.
fn sums(followed: &[Followed]) -> Vec<(String, Sums)> {
    let mut groups: BTreeMap<String, Sums> = BTreeMap::new();
    let mut all = Sums::default();
    for one in followed {
        groups.entry(one.problem.group()).or_default().add(one);
        all.add(one);
    }
    let mut rows: Vec<_> = groups.into_iter().collect();
    rows.push(("d-all".to_owned(), all));
    rows
}

fn table(followed: &[Followed]) {
    println!(
        "{:20} {:>8} {:>7} {:>5} {:>5} {:>7} {:>11} {:>11} {:>6} {:>6} {:>8} {:>7} {:>5} {:>6} {:>8}",
        "group",
        "problems",
        "invalid",
        "less",
        "open",
        "no bar",
        "saved",
        "reference",
        "nodes",
        "ref",
        "settled",
        "rounds",
        "most",
        "moved",
        "time"
    );
    for (name, sums) in sums(followed) {
        println!(
            "{name:20} {:8} {:7} {:5} {:5} {:7} {:11.5} {:11.5} {:6} {:6} {:>8} {:7} {:5} {:6} {:>8}",
            sums.problems,
            sums.invalid,
            sums.less,
            sums.open,
            sums.no_bar,
            sums.saved,
            sums.reference,
            sums.nodes,
            sums.reference_nodes,
            figure(sums.settled()),
            sums.rounds,
            sums.most_rounds,
            sums.moved,
            sums.time()
                .map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.5}")),
        );
    }
}

/// Everything, for scripts.
pub(crate) fn json(followed: &[Followed], missed: &[String]) -> Value {
    let problems: Vec<Value> = followed.iter().map(problem).collect();
    let groups: Vec<Value> = sums(followed).iter().map(group).collect();
    json!({"problems": problems, "groups": groups, "missed": missed})
}

fn problem(one: &Followed) -> Value {
    let (course, first) = (&one.course, one.course.rounds.first());
    let faults = course.rounds.iter().flat_map(|round| &round.faults);
    json!({
        "name": one.problem.name,
        "group": one.problem.group(),
        "faults": faults.map(ToString::to_string).collect::<Vec<_>>(),
        "savedPerHour": course.saved(),
        "nodes": first.map_or(0, |round| round.nodes),
        "evictions": first.map_or(0, |round| round.evictions),
        "commands": first.map_or(0, |round| round.commands),
        "costBeforePerHour": course.before.dollars(),
        "costInTheEndPerHour": course.after.dollars(),
        "rounds": course.rounds.iter().filter(|round| round.commands > 0).count(),
        "evictionsInAll": course.evictions(),
        "end": format!("{:?}", course.end),
        "lookMs": one.took.as_secs_f64() * 1e3,
        "reference": one.problem.reference,
        "comparable": one.problem.has_saving(),
        "less": course.saves_less(&one.problem),
    })
}

fn group((name, sums): &(String, Sums)) -> Value {
    json!({
        "name": name,
        "problems": sums.problems,
        "invalid": sums.invalid,
        "less": sums.less,
        "open": sums.open,
        "noBar": sums.no_bar,
        "savedPerHour": sums.saved,
        "referenceSavedPerHour": sums.reference,
        "nodes": sums.nodes,
        "referenceNodes": sums.reference_nodes,
        "settledRatio": sums.settled(),
        "rounds": sums.rounds,
        "mostRounds": sums.most_rounds,
        "evictionsInAll": sums.moved,
        "timeRatio": sums.time(),
    })
}
