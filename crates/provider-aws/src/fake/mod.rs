//! A pretended AWS in memory, for tests and measurements: one account and region that answers at
//! once, with capacity that can run out and calls that can be made to fail.
//!
//! [`Fake::calls`] gives it to what is tested, [`Fake::change`] sets and reads what is in it, and
//! [`Fake::fail`] makes calls fail. What is *not* here: eventual consistency and checks of
//! parameters; moto stands for those.

mod ec2;
mod filters;
mod fixture;
mod fleet;
mod iam;
mod services;
mod state;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws::{Failure, Operation};
use runtime::Clock;

pub use state::{
    Failing, FakeGroup, FakeImage, FakeReservation, FakeSubnet, Pool, Received, Request, State,
};

use crate::calls::Calls;

/// A pretended AWS. Cheap to clone; clones share it.
#[derive(Clone)]
pub struct Fake {
    clock: Clock,
    state: Arc<Mutex<State>>,
}

impl Fake {
    /// An account with nothing in it.
    pub fn empty(clock: Clock) -> Self {
        Self {
            clock,
            state: Arc::new(Mutex::new(State::default())),
        }
    }

    /// An account with a cluster `test-cluster`, three subnets with their groups, images of all
    /// families, and a few dozen instance types.
    pub fn new(clock: Clock) -> Self {
        let fake = Self::empty(clock);
        fake.change(fixture::fill);
        fake
    }

    /// It, behind the traits.
    pub fn calls(&self) -> Calls {
        let fake = Arc::new(self.clone());
        Calls {
            ec2: fake.clone(),
            eks: fake.clone(),
            iam: fake.clone(),
            ssm: fake.clone(),
            pricing: fake.clone(),
            sqs: fake.clone(),
            zonal_shift: fake,
        }
    }

    /// Sets or reads what is in it.
    pub fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state())
    }

    /// Makes the next `times` calls of an operation fail.
    pub fn fail(&self, failure: Failure, times: usize) {
        let operation = failure.operation;
        self.change(|state| {
            state.failing.push(Failing {
                operation,
                failure,
                times,
            });
        });
    }

    /// How often an operation was called, failed calls included.
    pub fn count(&self, operation: Operation) -> usize {
        let count = |state: &mut State| {
            let calls = state.calls.iter();
            calls.filter(|call| call.operation == operation).count()
        };
        self.change(count)
    }

    /// What was asked by an operation, in order.
    pub fn requests(&self, operation: Operation) -> Vec<Request> {
        self.change(|state| {
            let calls = state.calls.iter();
            let calls = calls.filter(|call| call.operation == operation);
            calls.map(|call| call.request.clone()).collect()
        })
    }

    /// Forgets what was asked.
    pub fn forget_calls(&self) {
        self.change(|state| state.calls.clear());
    }

    /// Makes every call take a while.
    pub fn answer_after(&self, delay: Duration) {
        self.change(|state| state.delay = delay);
    }

    /// Notes a call, and fails it if it is to fail.
    async fn call(&self, operation: Operation, request: Request) -> Result<Answer<'_>, Failure> {
        let delay = self.change(|state| {
            state.calls.push(Received { operation, request });
            state.delay
        });
        if !delay.is_zero() {
            self.clock.sleep(delay).await;
        }
        let mut state = self.state();
        let failing = state.failing.iter_mut();
        let mut failing = failing.filter(|failing| failing.times > 0);
        if let Some(failing) = failing.find(|failing| failing.operation == operation) {
            failing.times -= 1;
            return Err(failing.failure.clone());
        }
        drop(failing);
        Ok(Answer {
            now: self.clock.now(),
            state,
        })
    }

    /// Changes are made by whole steps, so a panic elsewhere while the lock was held does no harm.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call that is being answered.
struct Answer<'a> {
    state: MutexGuard<'a, State>,
    now: model::Timestamp,
}

#[cfg(test)]
mod tests;
