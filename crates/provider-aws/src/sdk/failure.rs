//! From errors of the SDK to failures.

use std::error::Error;

use aws::Failure;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::display::DisplayErrorContext;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;

use super::operations::OfOperation;

/// Turns what the SDK returns into what the traits return.
pub(super) trait OrFailure<T> {
    /// The value, or why the call failed.
    fn or_failure(self) -> Result<T, Failure>;
}

impl<T, E> OrFailure<T> for Result<T, SdkError<E, HttpResponse>>
where
    E: OfOperation + ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    fn or_failure(self) -> Result<T, Failure> {
        self.map_err(|error| {
            let failure = failure(&error);
            log(&failure);
            failure
        })
    }
}

fn failure<E>(error: &SdkError<E, HttpResponse>) -> Failure
where
    E: OfOperation + ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let of_service = error.as_service_error().map(ProvideErrorMetadata::meta);
    let said = of_service.and_then(|meta| meta.message());
    let id = of_service
        .and_then(RequestId::request_id)
        .or_else(|| error.request_id());
    Failure {
        operation: E::OPERATION,
        code: text(of_service.and_then(|meta| meta.code())),
        message: said.map_or_else(|| DisplayErrorContext(error).to_string(), str::to_owned),
        status: error
            .raw_response()
            .map(|response| response.status().as_u16()),
        request_id: text(id),
    }
}

fn text(text: Option<&str>) -> String {
    text.unwrap_or_default().to_owned()
}

/// Under the keys by which log searches know them.
fn log(failure: &Failure) {
    tracing::debug!(
        "aws-service-name" = failure.operation.service().sdk_id(),
        "aws-operation-name" = failure.operation.name(),
        "aws-request-id" = failure.request_id,
        "aws-status-code" = failure.status,
        "aws-error-code" = failure.code,
        "a call of AWS failed: {}",
        failure.message
    );
}
