//! What the process itself uses, by the names that Prometheus' client libraries share.
//!
//! Read from `/proc/self`; where there is none (not Linux) nothing is shown.

use super::{Metrics, names};

/// Clock ticks per second in `/proc/self/stat`; fixed by Linux' user interface.
const TICKS: f64 = 100.0;
/// Bytes of a page on the platforms that we build for.
const PAGE: f64 = 4_096.0;

/// Measures the process now.
pub fn measure(metrics: &Metrics) {
    if let Some(usage) = std::fs::read_to_string("/proc/self/stat")
        .ok()
        .and_then(|text| usage(&text))
    {
        metrics.set(&names::PROCESS_CPU_SECONDS, &[], usage.cpu_seconds);
        metrics.set(&names::PROCESS_RESIDENT_BYTES, &[], usage.resident_bytes);
        metrics.set(&names::PROCESS_VIRTUAL_BYTES, &[], usage.virtual_bytes);
    }
    if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
        metrics.set(&names::PROCESS_OPEN_FILES, &[], open.count() as f64);
    }
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    if let Some(most) = most_files(&limits) {
        metrics.set(&names::PROCESS_MAX_FILES, &[], most);
    }
}

#[derive(Debug, PartialEq)]
struct Usage {
    cpu_seconds: f64,
    virtual_bytes: f64,
    resident_bytes: f64,
}

/// Reads proc(5) `stat`: after the name in parentheses, which may hold anything, come the fields
/// from the third on.
fn usage(stat: &str) -> Option<Usage> {
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let field = |number: usize| fields.get(number - 3)?.parse::<f64>().ok();
    Some(Usage {
        cpu_seconds: (field(14)? + field(15)?) / TICKS,
        virtual_bytes: field(23)?,
        resident_bytes: field(24)? * PAGE,
    })
}

/// The soft limit of open files.
fn most_files(limits: &str) -> Option<f64> {
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max open files"))?;
    line.split_whitespace().nth(3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_lines_are_read_whatever_the_program_is_called() {
        let stat = "42 (a) b) S 1 42 42 0 -1 4194560 1 2 3 4 150 50 7 8 20 0 4 0 100 8192 3 0";
        let expected = Usage {
            cpu_seconds: 2.0,
            virtual_bytes: 8_192.0,
            resident_bytes: 12_288.0,
        };
        assert_eq!(usage(stat), Some(expected));
        assert_eq!(usage("nonsense"), None);
        let limits =
            "Limit Soft Hard Units\nMax open files            1024       4096      files\n";
        assert_eq!(most_files(limits), Some(1_024.0));
        assert_eq!(most_files(""), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_uses_memory_and_files() {
        let metrics = Metrics::new();
        measure(&metrics);
        assert!(metrics.value(&names::PROCESS_RESIDENT_BYTES, &[]) > Some(0.0));
        assert!(metrics.value(&names::PROCESS_OPEN_FILES, &[]) > Some(0.0));
    }
}
