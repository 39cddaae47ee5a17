//! The cloud provider, and what AWS adds.

use super::{DEFAULT, DURATIONS, metrics};
use crate::metrics::Kind::{Counter, Gauge, Histogram};

/// Upper bounds of the size of a batch of calls.
const BATCH_SIZES: &[f64] = &[
    1.0, 2.0, 4.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0, 100.0,
    125.0, 150.0, 175.0, 200.0, 225.0, 250.0, 275.0, 300.0, 350.0, 400.0, 450.0, 500.0, 550.0,
    600.0, 700.0, 800.0, 900.0, 1000.0,
];

metrics! { ALL;
    CLOUD_SECONDS = Histogram(DEFAULT), "karpenter_cloudprovider_duration_seconds",
        ["controller", "method", "provider"], "Seconds that calls to the cloud provider took";
    CLOUD_ERRORS = Counter, "karpenter_cloudprovider_errors_total",
        ["controller", "method", "provider", "error"], "Failed calls to the cloud provider";
    OFFERING_AVAILABLE = Gauge, "karpenter_cloudprovider_instance_type_offering_available",
        ["instance_type", "capacity_type", "zone"], "1 when the offering can be launched, else 0";
    OFFERING_PRICE = Gauge, "karpenter_cloudprovider_instance_type_offering_price_estimate",
        ["instance_type", "capacity_type", "zone"], "Hourly price of an offering";
    INSTANCE_TYPE_CPU = Gauge, "karpenter_cloudprovider_instance_type_cpu_cores",
        ["instance_type"], "Cores of an instance type";
    INSTANCE_TYPE_MEMORY = Gauge, "karpenter_cloudprovider_instance_type_memory_bytes",
        ["instance_type"], "Memory of an instance type in bytes";
    LAUNCH_FAILURES = Counter, "karpenter_cloudprovider_instance_launch_failures_total",
        ["zone", "zone_id", "capacity_type", "reason"], "Offerings that a launch failed on";
    TERMINATION_FAILURES = Counter,
        "karpenter_cloudprovider_instance_termination_failures_total", ["zone", "zone_id"],
        "Instances that could not be terminated";
    BATCH_SECONDS = Histogram(DURATIONS), "karpenter_cloudprovider_batcher_batch_time_seconds",
        ["batcher"], "Seconds for which calls were gathered into one";
    BATCH_SIZE = Histogram(BATCH_SIZES), "karpenter_cloudprovider_batcher_batch_size",
        ["batcher"], "Calls gathered into one";
    INTERRUPTION_RECEIVED = Counter, "karpenter_interruption_received_messages_total",
        ["message_type"], "Messages received from the interruption queue, by kind";
    INTERRUPTION_DELETED = Counter, "karpenter_interruption_deleted_messages_total", [],
        "Messages deleted from the interruption queue";
    INTERRUPTION_SECONDS = Histogram(DURATIONS),
        "karpenter_interruption_message_queue_duration_seconds", [],
        "Seconds from an interruption event to its having been handled";
    INSTANCE_STATUS_UNHEALTHY = Counter,
        "karpenter_interruption_instance_status_unhealthy_total", ["category"],
        "Instances whose status became unhealthy";
    USERDATA_BYTES = Gauge, "karpenter_ec2nodeclasses_userdata_bytes", ["nodeclass"],
        "Size of the rendered user data before its encoding";
}
