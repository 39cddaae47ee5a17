//! Names that dashboards know from Kubernetes' own libraries.

use super::{DEFAULT, metrics};
use crate::metrics::Kind::{Counter, Gauge, Histogram};

/// 1 ms times 1.5 to the power of 0..19.
const REQUESTS: &[f64] = &[
    0.001,
    0.0015,
    0.00225,
    0.003_375,
    0.005_062_5,
    0.007_593_75,
    0.011_390_625,
    0.017_085_937_5,
    0.025_628_906,
    0.038_443_359,
    0.057_665_039,
    0.086_497_559,
    0.129_746_338,
    0.194_619_507,
    0.291_929_260,
    0.437_893_890,
    0.656_840_836,
    0.985_261_253,
    1.477_891_880,
    2.216_837_820,
];
/// 10 ms times 1.5 to the power of 0..19.
const AWS_DURATIONS: &[f64] = &[
    0.01,
    0.015,
    0.0225,
    0.033_75,
    0.050_625,
    0.075_937_5,
    0.113_906_25,
    0.170_859_375,
    0.256_289_063,
    0.384_433_594,
    0.576_650_391,
    0.864_975_586,
    1.297_463_379,
    1.946_195_068,
    2.919_292_603,
    4.378_938_904,
    6.568_408_356,
    9.852_612_534,
    14.778_918_8,
    22.168_378_201,
];
/// How often a call was made again.
const AWS_RETRY_COUNTS: &[f64] = &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0];
/// Upper bounds of the duration of one piece of work, in seconds.
const WORK: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9,
    1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 15.0, 20.0,
    25.0, 30.0, 40.0, 50.0, 60.0,
];

metrics! { ALL;
    WORKERS_ACTIVE = Gauge, "controller_runtime_active_workers", ["controller"],
        "Keys that are being worked on";
    WORKERS_MAX = Gauge, "controller_runtime_max_concurrent_reconciles", ["controller"],
        "Keys that may be worked on at a time";
    RECONCILES = Counter, "controller_runtime_reconcile_total", ["controller", "result"],
        "Pieces of work done, by how they ended";
    RECONCILE_ERRORS = Counter, "controller_runtime_reconcile_errors_total", ["controller"],
        "Pieces of work that failed and will be repeated";
    RECONCILE_SECONDS = Histogram(WORK), "controller_runtime_reconcile_time_seconds",
        ["controller"], "Seconds that a piece of work took";
    CLIENT_REQUESTS = Counter, "client_go_request_total", ["code", "method"],
        "Calls to the API server, by status and method";
    CLIENT_REQUEST_SECONDS = Histogram(REQUESTS), "client_go_request_duration_seconds",
        ["verb", "group", "version", "kind", "subresource"],
        "Seconds that calls to the API server took";
    AWS_REQUESTS = Counter, "aws_sdk_go_request_total", ["service", "action", "code"],
        "Calls of AWS, by the status of the last answer";
    AWS_ATTEMPTS = Counter, "aws_sdk_go_request_attempt_total", ["service", "action", "code"],
        "Attempts at calls of AWS, by the status of the answer";
    AWS_REQUEST_SECONDS = Histogram(AWS_DURATIONS), "aws_sdk_go_request_duration_seconds",
        ["service", "action", "code"], "Seconds that calls of AWS took, all attempts together";
    AWS_ATTEMPT_SECONDS = Histogram(AWS_DURATIONS),
        "aws_sdk_go_request_attempt_duration_seconds", ["service", "action", "code"],
        "Seconds that attempts at calls of AWS took";
    AWS_RETRIES = Histogram(AWS_RETRY_COUNTS), "aws_sdk_go_request_retry_count",
        ["service", "action", "code"], "Attempts at calls of AWS after the first";
    LEADER = Gauge, "leader_election_master_status", ["name"],
        "1 when this process holds the lease, else 0";
    PROCESS_CPU_SECONDS = Counter, "process_cpu_seconds_total", [],
        "Seconds of processor time that the process used";
    PROCESS_RESIDENT_BYTES = Gauge, "process_resident_memory_bytes", [],
        "Memory that the process has in use";
    PROCESS_VIRTUAL_BYTES = Gauge, "process_virtual_memory_bytes", [],
        "Address space that the process has taken";
    PROCESS_OPEN_FILES = Gauge, "process_open_fds", [], "Open file descriptors";
    PROCESS_MAX_FILES = Gauge, "process_max_fds", [], "File descriptors that may be open";
    QUEUE_ADDED = Counter, "workqueue_adds_total", ["name", "controller"],
        "Keys taken from a work queue";
    QUEUE_DEPTH = Gauge, "workqueue_depth", ["name", "controller", "priority"],
        "Keys that wait in a work queue";
    QUEUE_WORK_SECONDS = Histogram(DEFAULT), "workqueue_work_duration_seconds",
        ["name", "controller"], "Seconds that the work on a key took";
    QUEUE_RETRIES = Counter, "workqueue_retries_total", ["name", "controller"],
        "Keys that came back because work on them failed";
    EVENTS_DROPPED = Counter, "karpenter_events_dropped_total", ["cause"],
        "Kubernetes events that were not written because of a full queue or a refusal";
    WATCH_RESTARTS = Counter, "karpenter_watch_restarts_total", ["kind", "cause"],
        "Watches that were opened again, by why";
}
