//! Work on several threads, whose results don't depend on how many there are. What is *not* here:
//! any decision.

use std::sync::atomic::{AtomicUsize, Ordering};

/// What comes of each of so many pieces of work, in their order. `serve` is called on every thread
/// with the pieces that the thread gets, one after the other as it asks for them, and returns what
/// came of each with its number.
pub(crate) fn share<T: Send>(
    threads: usize,
    count: usize,
    serve: impl Fn(&mut dyn Iterator<Item = usize>) -> Vec<(usize, T)> + Sync,
) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let (next, serve) = (&next, &serve);
    let work = move || {
        let pieces = std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed));
        serve(&mut pieces.take_while(|piece| *piece < count))
    };
    let mut all: Vec<(usize, T)> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads.min(count)).map(|_| scope.spawn(work)).collect();
        let mut all = work();
        for other in others {
            match other.join() {
                Ok(done) => all.extend(done),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    });
    all.sort_by_key(|(piece, _)| *piece);
    all.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_work_on_any_number_of_threads() {
        let squares: Vec<usize> = (0..1_000).map(|piece| piece * piece).collect();
        for threads in [0, 1, 2, 7, 2_000] {
            let found = share(threads, 1_000, |pieces| {
                pieces.map(|piece| (piece, piece * piece)).collect()
            });
            assert_eq!(found, squares, "{threads}");
        }
        let none = share(4, 0, |pieces| pieces.map(|piece| (piece, ())).collect());
        assert_eq!(none, []);
    }
}
