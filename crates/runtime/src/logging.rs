//! Log lines as JSON, one object per line, with the keys that operators of Karpenter search by.
//!
//! Code logs through `tracing`; a field name with a dot makes an object (`NodeClaim.name`), and
//! [`Json`] puts a structured value into a field. Fields of the surrounding spans are part of each
//! line. Identical messages are thinned out: per second the first hundred, then every hundredth.
//!
//! What is *not* here: messages, which stand where things happen.

mod fields;
mod sample;
mod sink;

use std::sync::{Mutex, PoisonError};

use model::Timestamp;
use serde_json::Value;
use tracing::{Event, Level, Metadata, Subscriber, span};
use tracing_subscriber::{
    Layer,
    layer::{Context, SubscriberExt},
    registry::LookupSpan,
};

use crate::{
    clock::Clock,
    options::{LogLevel, LogOptions},
};
use fields::Fields;
use sample::Sampler;

pub use fields::Json;
pub use sink::Sink;

/// Libraries whose lines below a warning help nobody. So are all whose names begin with [`SDK`].
const LIBRARIES: [&str; 9] = [
    "hyper",
    "hyper_util",
    "h2",
    "kube_client",
    "kube_core",
    "rustls",
    "tokio_util",
    "tower",
    "tower_http",
];

/// How the names of the crates of AWS' SDK begin.
const SDK: &str = "aws_";

/// Why logs can't be written.
#[derive(Debug, thiserror::Error)]
pub enum LoggingError {
    /// A file can't be opened.
    #[error("opening log output {path}, {cause}")]
    Open {
        /// The path.
        path: String,
        /// What the operating system said.
        #[source]
        cause: std::io::Error,
    },
    /// The process logs already.
    #[error("logs are set up already")]
    Twice,
}

/// Makes this process log as `options` say.
pub fn init(options: &LogOptions, clock: Clock, commit: &'static str) -> Result<(), LoggingError> {
    let layer = JsonLayer::new(options.level, clock, commit, Sink::open(options)?);
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer))
        .map_err(|_| LoggingError::Twice)
}

/// Writes a line for each event.
pub struct JsonLayer {
    level: LogLevel,
    clock: Clock,
    commit: &'static str,
    output: Mutex<Output>,
}

struct Output {
    sink: Sink,
    sampler: Sampler,
}

impl JsonLayer {
    /// A layer that writes to `sink` with times of `clock`.
    pub fn new(level: LogLevel, clock: Clock, commit: &'static str, sink: Sink) -> Self {
        let output = Mutex::new(Output {
            sink,
            sampler: Sampler::default(),
        });
        Self {
            level,
            clock,
            commit,
            output,
        }
    }

    fn wants(&self, metadata: &Metadata<'_>) -> bool {
        let level = *metadata.level();
        let crate_name = metadata.target().split("::").next().unwrap_or_default();
        let is_library = LIBRARIES.contains(&crate_name) || crate_name.starts_with(SDK);
        if is_library && level > Level::WARN {
            return false;
        }
        match self.level {
            LogLevel::Debug => level <= Level::DEBUG,
            LogLevel::Info => level <= Level::INFO,
            LogLevel::Error => level <= Level::ERROR,
        }
    }

    fn line(&self, event: &Event<'_>, now: Timestamp, fields: &Fields) -> Vec<u8> {
        let metadata = event.metadata();
        let mut line = Vec::with_capacity(256);
        let mut put = |key: &str, value: &Value| {
            line.extend_from_slice(if line.is_empty() { b"{" } else { b"," });
            line.extend_from_slice(Value::from(key).to_string().as_bytes());
            line.push(b':');
            line.extend_from_slice(value.to_string().as_bytes());
        };
        put("level", &metadata.level().as_str().into());
        put("time", &milliseconds(now).into());
        put("logger", &"controller".into());
        if self.level == LogLevel::Debug
            && let (Some(file), Some(at)) = (metadata.file(), metadata.line())
        {
            put("caller", &format!("{}:{at}", short(file)).into());
        }
        put("message", &fields.message.as_str().into());
        put("commit", &self.commit.into());
        for (key, value) in &fields.values {
            put(key, value);
        }
        line.extend_from_slice(b"}\n");
        line
    }
}

/// ISO 8601 with milliseconds.
fn milliseconds(now: Timestamp) -> String {
    let micros = now.to_rfc3339_micros();
    // 2026-08-01T00:00:00.000000Z without its last three digits.
    format!("{}Z", micros.get(..23).unwrap_or(&micros))
}

/// The last two parts of a path.
fn short(path: &str) -> &str {
    let mut slashes = path.rmatch_indices('/').map(|(at, _)| at);
    slashes.nth(1).map_or(path, |at| &path[at + 1..])
}

impl<S> Layer<S> for JsonLayer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        metadata.is_span() || self.wants(metadata)
    }

    fn on_new_span(&self, attributes: &span::Attributes<'_>, id: &span::Id, of: Context<'_, S>) {
        let Some(span) = of.span(id) else { return };
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        span.extensions_mut().insert(fields);
    }

    fn on_record(&self, id: &span::Id, values: &span::Record<'_>, of: Context<'_, S>) {
        let Some(span) = of.span(id) else { return };
        if let Some(fields) = span.extensions_mut().get_mut::<Fields>() {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, of: Context<'_, S>) {
        let mut fields = Fields::default();
        for span in of
            .event_scope(event)
            .into_iter()
            .flat_map(tracing_subscriber::registry::Scope::from_root)
        {
            if let Some(outer) = span.extensions().get::<Fields>() {
                fields.extend(outer);
            }
        }
        event.record(&mut fields);
        let now = self.clock.now();
        let line = self.line(event, now, &fields);
        // Lines are written whole, so a panic of another holder can't have left half of one.
        let mut output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        if output
            .sampler
            .passes(*event.metadata().level(), &fields.message, now)
        {
            output.sink.write(&line);
        }
    }
}

#[cfg(test)]
mod tests;
