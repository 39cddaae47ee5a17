//! What each path answers, without I/O.

use std::fmt::Write as _;

use bytes::Bytes;
use http::{Method, Response, StatusCode, header};
use http_body_util::Full;

use super::{Check, Endpoints, Port, Profiling};
use crate::metrics::process;

/// Prometheus' text format.
const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";
/// Everything else.
const TEXT: &str = "text/plain; charset=utf-8";

pub(super) fn respond(
    endpoints: &Endpoints,
    port: Port,
    method: &Method,
    path: &str,
    query: &str,
) -> Response<Full<Bytes>> {
    if method != Method::GET && method != Method::HEAD {
        return answer(
            StatusCode::METHOD_NOT_ALLOWED,
            TEXT,
            "only GET is served here\n".into(),
        );
    }
    match (port, path) {
        (Port::Metrics, "/metrics") => {
            process::measure(&endpoints.metrics);
            answer(StatusCode::OK, METRICS_TYPE, endpoints.metrics.to_text())
        }
        (Port::Metrics, path) if path.starts_with("/debug/pprof") => profiles(endpoints.profiling),
        (Port::Probes, path) => match path.trim_end_matches('/') {
            "/healthz" => checks("healthz", &endpoints.alive, verbose(query)),
            "/readyz" => checks("readyz", &endpoints.ready, verbose(query)),
            _ => not_found(),
        },
        _ => not_found(),
    }
}

fn verbose(query: &str) -> Verbosity {
    let asked = query
        .split('&')
        .any(|item| item == "verbose" || item.starts_with("verbose="));
    if asked {
        Verbosity::Each
    } else {
        Verbosity::Sum
    }
}

/// Whether each check is listed when all is well.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verbosity {
    Sum,
    Each,
}

fn checks(name: &str, checks: &[Check], verbosity: Verbosity) -> Response<Full<Bytes>> {
    let (mut text, mut failed) = (String::new(), false);
    for check in checks {
        // Writing to a string can't fail.
        let _ = match (check.run)() {
            Ok(()) => writeln!(text, "[+]{} ok", check.name),
            Err(why) => {
                failed = true;
                writeln!(text, "[-]{} failed: {why}", check.name)
            }
        };
    }
    if failed {
        text.push_str(name);
        text.push_str(" check failed\n");
        return answer(StatusCode::INTERNAL_SERVER_ERROR, TEXT, text);
    }
    if verbosity == Verbosity::Sum {
        return answer(StatusCode::OK, TEXT, "ok".into());
    }
    text.push_str(name);
    text.push_str(" check passed\n");
    answer(StatusCode::OK, TEXT, text)
}

fn profiles(profiling: Profiling) -> Response<Full<Bytes>> {
    match profiling {
        Profiling::Off => not_found(),
        Profiling::Asked => answer(
            StatusCode::NOT_IMPLEMENTED,
            TEXT,
            "this program has no Go profiles; use perf or eBPF tools on the process\n".into(),
        ),
    }
}

fn not_found() -> Response<Full<Bytes>> {
    answer(StatusCode::NOT_FOUND, TEXT, "404 page not found\n".into())
}

fn answer(status: StatusCode, content_type: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static(content_type),
    );
    response
}
