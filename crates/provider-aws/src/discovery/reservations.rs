//! Capacity reservations of node classes, and how much room is left in them.

use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use api::ec2nodeclass::CapacityReservationSelectorTerm;
use aws::Failure;
use aws::ec2::{Reservation, ReservationQuery};
use aws::reservations::{self, Availability};
use model::Timestamp;
use runtime::Clock;
use tokio::sync::Mutex;

use super::union;
use crate::cache::Cache;
use crate::calls::Ec2;

/// How long what is found is good.
const GOOD: Duration = Duration::from_mins(1);

/// Finds capacity reservations, and counts what is left of them.
pub struct Reservations {
    ec2: Arc<dyn Ec2>,
    clock: Clock,
    /// By query, so that classes that ask the same share it.
    known: Cache<ReservationQuery, Vec<Reservation>>,
    room: std::sync::Mutex<Availability>,
    round: Mutex<()>,
}

impl Reservations {
    /// Nothing is known yet.
    pub fn new(ec2: Arc<dyn Ec2>, clock: Clock) -> Self {
        Self {
            ec2,
            known: Cache::new(clock.clone(), GOOD),
            clock,
            room: std::sync::Mutex::default(),
            round: Mutex::new(()),
        }
    }

    /// The reservations that terms select, each once, without those that have ended.
    pub async fn list(
        &self,
        terms: &[CapacityReservationSelectorTerm],
    ) -> Result<Vec<Reservation>, Failure> {
        let queries = reservations::queries(terms);
        if queries.is_empty() {
            return Ok(Vec::new());
        }
        let _round = self.round.lock().await;
        let mut answers = Vec::new();
        for query in queries {
            let answer = match self.known.get(&query) {
                Some(known) => known,
                None => self.ask(query).await?,
            };
            answers.push(answer);
        }
        Ok(self.of_now(answers))
    }

    /// Reservations by id, as EC2 says them now.
    pub async fn by_id(&self, ids: &[String]) -> Result<Vec<Reservation>, Failure> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let _round = self.round.lock().await;
        let answer = self.ask(ReservationQuery::Ids(ids.to_vec())).await?;
        Ok(self.of_now(vec![answer]))
    }

    async fn ask(&self, query: ReservationQuery) -> Result<Vec<Reservation>, Failure> {
        let found = match self.ec2.reservations(&query).await {
            Err(failure) if failure.is_not_found() => Vec::new(),
            answer => answer?,
        };
        let now = self.clock.now();
        let mut room = self.room();
        room.sweep(now);
        for reservation in &found {
            room.told(&reservation.id, reservation.available, now);
        }
        drop(room);
        self.known.sweep();
        self.known.put(query, found.clone());
        Ok(found)
    }

    fn of_now(&self, answers: Vec<Vec<Reservation>>) -> Vec<Reservation> {
        let now = self.clock.now();
        let mut found = union(answers, |reservation| &reservation.id);
        found.retain(|reservation| !reservations::has_ended(reservation, now));
        found
    }

    /// How many instances can be launched into a reservation.
    pub fn available(&self, id: &str) -> u32 {
        self.room().available(id, self.clock.now())
    }

    /// An instance was launched into a reservation, by a call that was made at this time.
    pub fn launched(&self, id: &str, at: Timestamp) {
        self.room().launched(id, at);
    }

    /// An instance of a reservation is gone.
    pub fn terminated(&self, id: &str) {
        self.room().terminated(id);
    }

    /// There is no room in these reservations.
    pub fn unavailable<'a>(&self, ids: impl IntoIterator<Item = &'a str>) {
        self.room().unavailable(ids);
    }

    /// Counts change by whole steps, so a panic elsewhere while the lock was held does no harm.
    fn room(&self) -> MutexGuard<'_, Availability> {
        self.room.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
