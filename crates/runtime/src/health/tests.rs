use http_body_util::BodyExt;
use hyper::{Method, Response, StatusCode, header};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::metrics::names;

fn endpoints(ready: CheckResult) -> Endpoints {
    let metrics = Metrics::new();
    metrics.set(&names::NODES_TOTAL, &["default"], 3.0);
    Endpoints {
        metrics,
        alive: vec![Check::ping("healthz")],
        ready: vec![
            Check::ping("readyz"),
            Check::new("crd", move || ready.clone()),
        ],
        profiling: Profiling::Off,
    }
}

async fn ask(endpoints: &Endpoints, port: Port, path: &str, query: &str) -> (u16, String) {
    let response: Response<_> = respond::respond(endpoints, port, &Method::GET, path, query);
    let status = response.status().as_u16();
    let body = response
        .into_body()
        .collect()
        .await
        .expect("a full body")
        .to_bytes();
    (status, String::from_utf8(body.to_vec()).expect("text"))
}

#[tokio::test]
async fn probes_say_ok_and_list_their_checks_when_asked() {
    let good = endpoints(Ok(()));
    assert_eq!(
        ask(&good, Port::Probes, "/healthz", "").await,
        (200, "ok".into())
    );
    assert_eq!(
        ask(&good, Port::Probes, "/readyz/", "").await,
        (200, "ok".into())
    );
    let text = "[+]readyz ok\n[+]crd ok\nreadyz check passed\n";
    assert_eq!(
        ask(&good, Port::Probes, "/readyz", "verbose").await,
        (200, text.into())
    );
    assert_eq!(
        ask(&good, Port::Probes, "/readyz", "verbose=true").await.1,
        text
    );
}

#[tokio::test]
async fn one_failed_check_makes_readiness_fail_and_says_why() {
    let bad = endpoints(Err("NodePool is not served".into()));
    let (status, text) = ask(&bad, Port::Probes, "/readyz", "").await;
    assert_eq!(status, 500);
    assert!(
        text.contains("[-]crd failed: NodePool is not served"),
        "{text}"
    );
    assert_eq!(
        ask(&bad, Port::Probes, "/healthz", "").await.0,
        200,
        "alive all the same"
    );
}

#[tokio::test]
async fn each_port_serves_its_own_paths_only() {
    let mut all = endpoints(Ok(()));
    assert_eq!(ask(&all, Port::Probes, "/metrics", "").await.0, 404);
    assert_eq!(ask(&all, Port::Metrics, "/healthz", "").await.0, 404);
    assert_eq!(ask(&all, Port::Metrics, "/debug/pprof/", "").await.0, 404);
    all.profiling = Profiling::Asked;
    assert_eq!(
        ask(&all, Port::Metrics, "/debug/pprof/heap", "").await.0,
        501
    );
    let refused = respond::respond(&all, Port::Probes, &Method::POST, "/healthz", "");
    assert_eq!(refused.status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn metrics_come_as_prometheus_text() {
    let all = endpoints(Ok(()));
    let response = respond::respond(&all, Port::Metrics, &Method::GET, "/metrics", "");
    let kind = response
        .headers()
        .get(header::CONTENT_TYPE)
        .expect("a content type");
    assert_eq!(kind, "text/plain; version=0.0.4; charset=utf-8");
    let (_, text) = ask(&all, Port::Metrics, "/metrics", "").await;
    assert!(
        text.contains("karpenter_nodes_total{nodepool=\"default\"} 3\n"),
        "{text}"
    );
}

#[tokio::test]
async fn both_ports_answer_over_tcp_and_stop_when_told() {
    let servers = Servers::bind(0, 0).await.expect("free ports");
    let (metrics, probes) = servers.ports();
    let stop = Shutdown::new();
    let serving = tokio::spawn(servers.serve(endpoints(Ok(())), stop.clone()));
    for (port, path, expect) in [
        (metrics, "/metrics", "karpenter_nodes_total"),
        (probes, "/readyz", "ok"),
    ] {
        let mut stream = TcpStream::connect(("127.0.0.1", port))
            .await
            .expect("connects");
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("writes");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("reads");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.contains(expect), "{answer}");
    }
    // An idle connection must not hold the stop back.
    let _idle = TcpStream::connect(("127.0.0.1", probes))
        .await
        .expect("connects");
    stop.trigger();
    serving.await.expect("ends");
}

#[tokio::test]
async fn a_port_in_use_names_itself_and_the_flag() {
    let first = Servers::bind(0, 0).await.expect("free ports");
    let error = Servers::bind(first.ports().0, 0)
        .await
        .expect_err("taken")
        .to_string();
    assert!(error.contains("--metrics-port"), "{error}");
}
