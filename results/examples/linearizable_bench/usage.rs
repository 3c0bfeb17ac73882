//! What this process has used of the machine.

/// The processor time that the threads of this process used; what others do on the machine does not count.
pub fn used_s() -> f64 {
    // The kernel brings the count of a running thread up to date when it gives way.
    std::thread::yield_now();
    let threads = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let used_ns = threads.filter_map(|thread| {
        let used = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
        used.split_whitespace().next()?.parse::<u64>().ok()
    });
    used_ns.sum::<u64>() as f64 / 1e9
}

/// The most memory that this process ever had, the histories included; 0 where the kernel does not tell.
pub fn peak_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.and_then(|peak| peak.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) / 1024
}
