//! The memory and open descriptors of a process, read from `/proc`.

use std::{fmt, path::PathBuf};

/// Growth by more than this percentage and at least this much counts as a leak; one more page or
/// pooled connection does not.
const MORE_PER_CENT: u64 = 10;
const LEAST_KIBIBYTES: u64 = 1_024;
const LEAST_DESCRIPTORS: u64 = 2;
/// With fewer samples, growth cannot be judged.
const FEWEST_LOOKS: usize = 12;

/// Samples of one process.
#[derive(Debug)]
pub(crate) struct Gauge {
    process: u32,
    kibibytes: Vec<u64>,
    descriptors: Vec<u64>,
}

/// Whether this system has `/proc`.
pub(crate) fn can_look() -> bool {
    PathBuf::from("/proc/self/status").exists()
}

impl Gauge {
    pub(crate) fn of(process: u32) -> Self {
        Self { process, kibibytes: Vec::new(), descriptors: Vec::new() }
    }

    pub(crate) fn look(&mut self) {
        let folder = PathBuf::from(format!("/proc/{}", self.process));
        let status = std::fs::read_to_string(folder.join("status"));
        let resident = status.ok().and_then(|status| {
            let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
            line.split_whitespace().nth(1)?.parse().ok()
        });
        let descriptors = std::fs::read_dir(folder.join("fd")).map(Iterator::count);
        if let (Some(resident), Ok(descriptors)) = (resident, descriptors) {
            self.kibibytes.push(resident);
            self.descriptors.push(descriptors as u64);
        }
    }

    /// Whether there are enough samples to judge growth.
    pub(crate) fn can_tell(&self) -> bool {
        self.kibibytes.len() >= FEWEST_LOOKS
    }

    /// The memory in the last sample.
    pub(crate) fn kibibytes(&self) -> u64 {
        self.kibibytes.last().copied().unwrap_or_default()
    }

    /// The descriptors in the last sample.
    pub(crate) fn descriptors(&self) -> u64 {
        self.descriptors.last().copied().unwrap_or_default()
    }
}

impl fmt::Display for Gauge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [kibibytes, descriptors] = [&self.kibibytes, &self.descriptors].map(|all| medians(all));
        write!(
            f,
            "process {}: {} samples; medians of the second and the last quarter: {} and {} MiB, \
             {} and {} descriptors; maximum: {} MiB, {}",
            self.process,
            self.kibibytes.len(),
            mebibytes(kibibytes.0),
            mebibytes(kibibytes.1),
            descriptors.0,
            descriptors.1,
            mebibytes(self.kibibytes.iter().max().copied().unwrap_or_default()),
            self.descriptors.iter().max().copied().unwrap_or_default(),
        )
    }
}

/// What has grown, if anything: the median of the last quarter of the samples is compared with
/// that of the second. During the first quarter, buffers, pools and the allocator reach their
/// size; medians are used since one large response is no leak. An increase counts if it exceeds
/// 10 % and 1 MiB, or 2 descriptors. `None` with too few samples.
pub(crate) fn grown(gauge: &Gauge) -> Option<String> {
    if !gauge.can_tell() {
        return None;
    }
    let above = |all: &[u64], least: u64| {
        let (second, last) = medians(all);
        last > second + least.max(second * MORE_PER_CENT / 100)
    };
    let what = match (
        above(&gauge.kibibytes, LEAST_KIBIBYTES),
        above(&gauge.descriptors, LEAST_DESCRIPTORS),
    ) {
        (false, false) => return None,
        (true, false) => "memory",
        (false, true) => "descriptors",
        (true, true) => "memory and descriptors",
    };
    Some(format!("process {}: its {what} grew", gauge.process))
}

/// The medians of the second and the last quarter.
fn medians(looks: &[u64]) -> (u64, u64) {
    let quarter = looks.len() / 4;
    let median = |looks: &[u64]| {
        let mut sorted = looks.to_vec();
        sorted.sort_unstable();
        sorted.get(sorted.len() / 2).copied().unwrap_or_default()
    };
    let second = looks.get(quarter..2 * quarter).unwrap_or_default();
    let last = looks.get(looks.len() - quarter..).unwrap_or_default();
    (median(second), median(last))
}

/// With one decimal.
pub(crate) fn mebibytes(kibibytes: u64) -> String {
    format!("{}.{}", kibibytes / 1_024, kibibytes % 1_024 * 10 / 1_024)
}
