//! What a process has cost: CPU time and peak memory, out of `/proc` (Linux; elsewhere unknown).

use std::fs;

use lanspread_tests::Peer;

/// Ticks of CPU time a second in `/proc/PID/stat`: fixed in Linux's interface on every machine that Rust runs on.
const TICKS_PER_SEC: f64 = 100.0;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    pub(crate) cpu_secs: f64,
    pub(crate) peak_mib: f64,
}

impl Cost {
    /// Since the process was started.
    pub(crate) fn of(peer: &Peer) -> Self {
        let pid = peer.pid();
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // After the name in parentheses: utime and stime are the 14th and 15th fields of all.
        let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
        let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0");
        let peak_kib: f64 = peak.trim().trim_end_matches(" kB").parse().unwrap_or(0.0);
        Self { cpu_secs: (ticks(11) + ticks(12)) / TICKS_PER_SEC, peak_mib: peak_kib / 1024.0 }
    }

    /// The CPU time since an earlier look; the peak is that of the whole life.
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self { cpu_secs: self.cpu_secs - earlier.cpu_secs, ..self }
    }
}

/// Looks at a peer before and after.
pub(crate) struct Meter<'a> {
    peers: Vec<(&'a Peer, Cost)>,
}

impl<'a> Meter<'a> {
    pub(crate) fn start(peers: impl IntoIterator<Item = &'a Peer>) -> Self {
        Self { peers: peers.into_iter().map(|peer| (peer, Cost::of(peer))).collect() }
    }

    /// Prints what each has cost since.
    pub(crate) fn print(&self) {
        for (peer, before) in &self.peers {
            let cost = Cost::of(peer).since(*before);
            println!(
                "   {:<12} {:>7.2} s of CPU, peak memory {:>4.0} MiB",
                peer.name(),
                cost.cpu_secs,
                cost.peak_mib
            );
        }
    }
}

/// Prints a figure beside its bound.
pub(crate) fn figure(what: &str, figure: f64, unit: &str, bounds: &[(&str, f64)]) {
    let beside: Vec<String> = bounds
        .iter()
        .map(|(name, bound)| format!("; {:.1} % of {name} ({bound:.1} {unit})", figure / bound * 100.0))
        .collect();
    println!("   {what}: {figure:.1} {unit}{}", beside.concat());
}
