//! The interruption queue: messages are received, handled and deleted, many at a time.
//!
//! One receive is always open. While messages come, more are opened, up to [`RECEIVES`]; when there
//! are none, one is enough again. A message is deleted once it was handled, or can't be understood.
//! One that could not be handled stays, and comes again. The same message may come twice: nothing
//! is done twice for it.
//!
//! All of it is one future; what it holds is bounded. What is *not* here: what messages mean
//! (`aws::messages`) and what is done ([`super::Interruptions`]).

use std::pin::Pin;
use std::time::Duration;

use aws::Failure;
use aws::messages;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use runtime::Shutdown;
use runtime::metrics::names;
use runtime::queue::Backoff;

use super::Interruptions;
use crate::calls::Message;

/// Name in metrics and logs.
const NAME: &str = "interruption";
/// Receives that are open at a time, at most. Each brings up to ten messages.
const RECEIVES: usize = 16;
/// Messages that are handled at a time, at most: receives wait until there are fewer. They must be
/// done before others see them again.
const HANDLED: usize = 200;
/// How long to wait after receives that failed.
const BACKOFF: Backoff = Backoff::exponential(Duration::from_secs(1), Duration::from_mins(1));

/// Something that was waited for.
enum Done {
    Received(Result<Vec<Message>, Failure>),
    Handled,
    Waited,
}

type Work<'a> = Pin<Box<dyn Future<Output = Done> + Send + 'a>>;

/// How many receives are wanted, and what is under way.
struct Pace {
    wanted: usize,
    receiving: usize,
    handling: usize,
    failures: u32,
}

impl Pace {
    /// How many receives are to be opened now.
    fn missing(&self) -> usize {
        if self.handling >= HANDLED {
            return 0;
        }
        self.wanted.saturating_sub(self.receiving)
    }

    fn received(&mut self, messages: usize) {
        self.failures = 0;
        self.handling += messages;
        self.wanted = if messages == 0 {
            1
        } else {
            (self.wanted * 2).min(RECEIVES)
        };
    }
}

/// Handles what comes into the queue of this name until `shutdown`; what has begun to be handled is
/// finished first.
pub async fn run(interruptions: &Interruptions, queue: &str, shutdown: &Shutdown) {
    let consumer = Consumer {
        interruptions,
        queue,
        url: tokio::sync::Mutex::new(None),
    };
    // What is not known yet may not have been seen yet, and its message would be dropped.
    let synced = interruptions.world.objects.synced();
    if shutdown.or_stop(synced).await.is_some() {
        consumer.run(shutdown).await;
    }
}

struct Consumer<'a> {
    interruptions: &'a Interruptions,
    queue: &'a str,
    /// URL of the queue, once that is known.
    url: tokio::sync::Mutex<Option<String>>,
}

impl Consumer<'_> {
    async fn run(&self, shutdown: &Shutdown) {
        let mut work: FuturesUnordered<Work<'_>> = FuturesUnordered::new();
        let mut pace = Pace {
            wanted: 1,
            receiving: 0,
            handling: 0,
            failures: 0,
        };
        loop {
            for _ in 0..pace.missing() {
                work.push(Box::pin(async { Done::Received(self.receive().await) }));
                pace.receiving += 1;
            }
            let done = tokio::select! {
                biased;
                () = shutdown.wait() => break,
                Some(done) = work.next() => done,
            };
            self.note(done, &mut pace, &work);
        }
        // Receives that are open are given up; what they bring then comes again.
        while pace.handling > 0 {
            match work.next().await {
                Some(Done::Handled) => pace.handling -= 1,
                Some(_) => {}
                None => break,
            }
        }
    }

    fn note<'s>(&'s self, done: Done, pace: &mut Pace, work: &FuturesUnordered<Work<'s>>) {
        match done {
            Done::Handled => pace.handling -= 1,
            Done::Waited => pace.receiving -= 1,
            Done::Received(Ok(messages)) => {
                pace.receiving -= 1;
                pace.received(messages.len());
                for message in messages {
                    work.push(Box::pin(async move {
                        self.handle(&message).await;
                        Done::Handled
                    }));
                }
            }
            Done::Received(Err(error)) => {
                // The receive stays open as a wait, so that failures are not repeated at once.
                pace.wanted = 1;
                pace.failures += 1;
                tracing::error!(queue = self.queue, %error, "receiving messages failed");
                self.interruptions.world.count_failure(NAME);
                let wait = BACKOFF.wait(pace.failures);
                let clock = &self.interruptions.world.clock;
                work.push(Box::pin(async move {
                    clock.sleep(wait).await;
                    Done::Waited
                }));
            }
        }
    }

    async fn receive(&self) -> Result<Vec<Message>, Failure> {
        let url = self.url().await?;
        let received = self.interruptions.world.calls.sqs.receive(&url).await;
        if received.as_ref().is_err_and(Failure::is_not_found) {
            // Whoever makes it anew may get another URL for it.
            *self.url.lock().await = None;
        }
        received
    }

    async fn url(&self) -> Result<String, Failure> {
        let mut url = self.url.lock().await;
        if let Some(url) = &*url {
            return Ok(url.clone());
        }
        let found = self
            .interruptions
            .world
            .calls
            .sqs
            .queue_url(self.queue)
            .await?;
        *url = Some(found.clone());
        Ok(found)
    }

    /// Does what a message asks for, and deletes it unless that failed.
    async fn handle(&self, message: &Message) {
        let world = &self.interruptions.world;
        match messages::parse(&message.body) {
            Err(error) => tracing::error!(message = message.id, %error, "dropping a message"),
            Ok(parsed) => {
                let kind = parsed.kind.as_str();
                world
                    .metrics
                    .add(&names::INTERRUPTION_RECEIVED, &[kind], 1.0);
                let mut failed = false;
                for instance in &parsed.instances {
                    if let Err(error) = self.interruptions.handle(parsed.kind, instance).await {
                        tracing::error!(
                            instance, kind, %error,
                            "handling an interruption failed and will be repeated"
                        );
                        failed = true;
                    }
                }
                if failed {
                    world.count_failure(NAME);
                    return;
                }
                if let Some(time) = parsed.time {
                    let took = world.clock.now().since(time).as_secs_f64();
                    world
                        .metrics
                        .observe(&names::INTERRUPTION_SECONDS, &[], took);
                }
            }
        }
        self.delete(message).await;
    }

    async fn delete(&self, message: &Message) {
        let world = &self.interruptions.world;
        let Ok(url) = self.url().await else { return };
        match world.calls.sqs.delete_message(&url, &message.receipt).await {
            Ok(()) => world.metrics.add(&names::INTERRUPTION_DELETED, &[], 1.0),
            Err(error) => {
                // It comes again, and then nothing is left to be done but this.
                tracing::error!(message = message.id, %error, "deleting a message failed");
                world.count_failure(NAME);
            }
        }
    }
}

#[cfg(test)]
mod tests;
