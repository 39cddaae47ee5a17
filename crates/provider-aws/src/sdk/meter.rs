//! Counts and times calls and their attempts, and adds our name to the user agent.

use std::sync::{Mutex, PoisonError};

use aws::Service;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeSerializationInterceptorContextRef, BeforeTransmitInterceptorContextMut,
    BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::Response;
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};
use model::Timestamp;
use runtime::Clock;
use runtime::metrics::{Metrics, names};

use super::Settings;

/// One service's.
#[derive(Debug)]
pub(super) struct Meter {
    service: Service,
    metrics: Metrics,
    clock: Clock,
    agent: String,
}

/// What is known of a call while it goes on.
#[derive(Debug)]
struct Call(Mutex<Progress>);

#[derive(Clone, Debug)]
struct Progress {
    began: Timestamp,
    attempt_began: Timestamp,
    attempts: u32,
    /// Status of the latest answer; empty if there was none.
    code: String,
}

impl Storable for Call {
    type Storer = StoreReplace<Self>;
}

impl Meter {
    pub(super) fn new(service: Service, settings: &Settings) -> Self {
        Self {
            service,
            metrics: settings.metrics.clone(),
            clock: Clock::wall(),
            agent: format!("karpenter.sh-{}", settings.version),
        }
    }

    fn action(cfg: &ConfigBag) -> String {
        let metadata = cfg.load::<Metadata>();
        metadata.map_or_else(String::new, |metadata| metadata.name().to_owned())
    }

    /// Changes what is known of the call, and returns it.
    fn progress(cfg: &ConfigBag, change: impl FnOnce(&mut Progress)) -> Option<Progress> {
        let call = cfg.load::<Call>()?;
        let mut progress = call.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut progress);
        Some(progress.clone())
    }

    fn seconds_since(&self, began: Timestamp) -> f64 {
        self.clock.now().since(began).as_secs_f64()
    }
}

impl Intercept for Meter {
    fn name(&self) -> &'static str {
        "Meter"
    }

    fn read_before_execution(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let now = self.clock.now();
        cfg.interceptor_state().store_put(Call(Mutex::new(Progress {
            began: now,
            attempt_began: now,
            attempts: 0,
            code: String::new(),
        })));
        Ok(())
    }

    fn read_before_attempt(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let now = self.clock.now();
        Self::progress(cfg, |progress| {
            progress.attempt_began = now;
            progress.attempts += 1;
            progress.code.clear();
        });
        Ok(())
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let headers = context.request_mut().headers_mut();
        let sdk = headers.get("user-agent").unwrap_or_default();
        headers.try_insert("user-agent", format!("{sdk} {}", self.agent))?;
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let status = context.response().map(Response::status);
        let code = status.map_or_else(String::new, |status| status.as_u16().to_string());
        let labels = [self.service.sdk_id(), &Self::action(cfg), &code];
        let progress = Self::progress(cfg, |progress| progress.code.clone_from(&code));
        if let Some(progress) = progress {
            let seconds = self.seconds_since(progress.attempt_began);
            self.metrics.add(&names::AWS_ATTEMPTS, &labels, 1.0);
            self.metrics
                .observe(&names::AWS_ATTEMPT_SECONDS, &labels, seconds);
        }
        Ok(())
    }

    fn read_after_execution(
        &self,
        _: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(progress) = Self::progress(cfg, |_| {}) {
            let labels = [self.service.sdk_id(), &Self::action(cfg), &progress.code];
            let seconds = self.seconds_since(progress.began);
            let retries = f64::from(progress.attempts.saturating_sub(1));
            self.metrics.add(&names::AWS_REQUESTS, &labels, 1.0);
            self.metrics
                .observe(&names::AWS_REQUEST_SECONDS, &labels, seconds);
            self.metrics.observe(&names::AWS_RETRIES, &labels, retries);
        }
        Ok(())
    }
}
