//! A LAN on one machine: a switch and hosts as network namespaces, joined by veth pairs.
//!
//! Everything lives in namespaces of its own, the switch too: nothing reaches the machine's adapters, and
//! every LAN may use the same addresses (10.77.0.0/24). Names carry this process's id, so tests run side
//! by side, and what a killed test left behind is cleared by the next one. Linux and root only; elsewhere
//! [`Lan::new`] says that the story is skipped.

use std::cell::Cell;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};

const PREFIX: &str = "lansp";

/// Removed, with all its hosts, when dropped: after the peers that live on it.
#[derive(Debug)]
pub struct Lan {
    name: String,
    hosts: Cell<u8>,
}

/// One PC on the LAN, with one adapter `eth0`.
#[derive(Clone, Debug)]
pub struct Host {
    namespace: String,
    switch: String,
    port: String,
    /// 10.77.0.N
    pub address: String,
}

impl Lan {
    /// `None`, and a line that says so, where this cannot be tried.
    pub fn new(story: &str) -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        if !crate::is_root() {
            crate::skip(story, "a LAN of network namespaces needs root");
            return None;
        }
        clear_leftovers();
        let name = format!("{PREFIX}{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let switch = switch_of(&name);
        let made = try_run(&["ip", "netns", "add", &switch]).and_then(|()| {
            try_in(&switch, &["ip", "link", "add", "br0", "type", "bridge", "mcast_snooping", "0"])
        });
        let lan = Self { name, hosts: Cell::new(0) };
        if let Err(why) = made {
            crate::skip(story, &format!("this machine makes no network namespace: {why}"));
            return None;
        }
        within(&switch, &["ip", "link", "set", "br0", "up"]);
        Some(lan)
    }

    /// Plugs in another PC, without a limit of rate, which accepts everything.
    pub fn host(&self) -> Host {
        let number = self.hosts.get() + 1;
        self.hosts.set(number);
        let host = Host {
            namespace: format!("{}-h{number}", self.name),
            switch: switch_of(&self.name),
            port: format!("port{number}"),
            address: format!("10.77.0.{number}"),
        };
        run(&["ip", "netns", "add", &host.namespace]);
        within(
            &host.switch,
            &[
                "ip",
                "link",
                "add",
                &host.port,
                "type",
                "veth",
                "peer",
                "name",
                "eth0",
                "netns",
                &host.namespace,
            ],
        );
        within(&host.switch, &["ip", "link", "set", &host.port, "master", "br0", "up"]);
        host.run(&["ip", "link", "set", "lo", "up"]);
        host.run(&["ip", "address", "add", &format!("{}/24", host.address), "dev", "eth0"]);
        host.run(&["ip", "link", "set", "eth0", "up"]);
        // Multicast needs a way out, as it has on a PC with a gateway.
        host.run(&["ip", "route", "add", "default", "dev", "eth0"]);
        host
    }
}

impl Host {
    /// Limits the cable to `mbit` megabits a second in each direction.
    #[must_use]
    pub fn limited_to(self, mbit: u32) -> Self {
        let rate = format!("{mbit}mbit");
        // The bucket must hold what passes between two ticks of the kernel's clock.
        let burst = if mbit > 500 { "1mb" } else { "256kb" };
        let tbf = ["root", "tbf", "rate", &rate, "burst", burst, "latency", "20ms"];
        self.run(&[&["tc", "qdisc", "add", "dev", "eth0"][..], &tbf].concat());
        within(&self.switch, &[&["tc", "qdisc", "add", "dev", &self.port][..], &tbf].concat());
        self
    }

    /// Drops every packet that is no answer, as a PC's own firewall does.
    #[must_use]
    pub fn refusing_unsolicited(self) -> Self {
        self.run(&["nft", "add table inet pc"]);
        self.run(&["nft", "add chain inet pc input { type filter hook input priority 0; policy drop; }"]);
        self.run(&["nft", "add rule inet pc input iif lo accept"]);
        self.run(&["nft", "add rule inet pc input meta l4proto icmpv6 accept"]);
        self.run(&["nft", "add rule inet pc input ct state established,related accept"]);
        self.run(&["nft", "add rule inet pc input counter drop"]);
        self
    }

    /// How many packets [`Host::refusing_unsolicited`] has dropped: proof that it was needed.
    pub fn refused_packets(&self) -> u64 {
        let list = ["ip", "netns", "exec", &self.namespace, "nft", "list", "chain", "inet", "pc", "input"];
        let output = Command::new(list[0]).args(&list[1..]).output().unwrap();
        let rules = String::from_utf8_lossy(&output.stdout).into_owned();
        let count =
            rules.split("counter packets ").nth(1).and_then(|rest| rest.split(' ').next()?.parse().ok());
        count.unwrap_or_else(|| panic!("no counter in:\n{rules}"))
    }

    /// Sends one packet from here to another host's port, unasked.
    pub fn knock(&self, other: &Self) {
        let target = format!("/dev/udp/{}/40420", other.address);
        self.run(&["bash", "-c", &format!("echo knock > {target}")]);
    }

    /// Bytes that have come in over the cable, with all headers.
    pub fn received_bytes(&self) -> u64 {
        // Each namespace has a `/sys` of its own.
        let counter = "/sys/class/net/eth0/statistics/rx_bytes";
        let read =
            Command::new("ip").args(["netns", "exec", &self.namespace, "cat", counter]).output().unwrap();
        let text = String::from_utf8_lossy(&read.stdout).into_owned();
        text.trim().parse().unwrap_or_else(|_| panic!("no count of bytes: {text:?}"))
    }

    /// Pulls the cable, or puts it back.
    pub fn set_plugged_in(&self, plugged_in: bool) {
        within(&self.switch, &["ip", "link", "set", &self.port, if plugged_in { "up" } else { "down" }]);
    }

    /// Runs a command on this PC; it must succeed.
    pub fn run(&self, command: &[&str]) {
        within(&self.namespace, command);
    }

    /// A command that will start this program on this PC.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("ip");
        // `ip` replaces itself by the program: the child's pid is the program's.
        command.args(["netns", "exec", &self.namespace]).arg(program);
        command
    }
}

impl Drop for Lan {
    fn drop(&mut self) {
        for number in 1..=self.hosts.get() {
            drop(try_run(&["ip", "netns", "delete", &format!("{}-h{number}", self.name)]));
        }
        drop(try_run(&["ip", "netns", "delete", &switch_of(&self.name)]));
    }
}

fn switch_of(lan: &str) -> String {
    format!("{lan}-sw")
}

/// Deletes the namespaces of test processes that are no more.
fn clear_leftovers() {
    let Ok(entries) = std::fs::read_dir("/run/netns") else { return };
    for name in entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()) {
        let owner = name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').next()?.parse::<u32>().ok());
        if owner.is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists()) {
            drop(try_run(&["ip", "netns", "delete", &name]));
        }
    }
}

fn within(namespace: &str, command: &[&str]) {
    if let Err(why) = try_in(namespace, command) {
        panic!("{why}");
    }
}

fn run(command: &[&str]) {
    if let Err(why) = try_run(command) {
        panic!("{why}");
    }
}

fn try_in(namespace: &str, command: &[&str]) -> Result<(), String> {
    try_run(&[&["ip", "netns", "exec", namespace][..], command].concat())
}

fn try_run(command: &[&str]) -> Result<(), String> {
    let told = |what: &str| format!("{}: {}", command.join(" "), what.trim());
    let output: Output =
        Command::new(command[0]).args(&command[1..]).output().map_err(|error| told(&error.to_string()))?;
    if output.status.success() { Ok(()) } else { Err(told(&String::from_utf8_lossy(&output.stderr))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lan_joins_its_hosts_and_leaves_nothing_behind() {
        let Some(lan) = Lan::new("a LAN joins its hosts") else { return };
        let (one, two) = (lan.host().limited_to(100), lan.host().refusing_unsolicited());
        assert_eq!(two.refused_packets(), 0);
        let send = format!("echo hello >/dev/udp/{}/9", two.address);
        one.run(&["bash", "-c", &send]);
        // Loopback of namespaces is synchronous up to the address resolution, which answers within the second.
        let until = std::time::Instant::now() + std::time::Duration::from_secs(30);
        while two.refused_packets() == 0 {
            assert!(std::time::Instant::now() < until, "the packet neither arrived nor was refused");
            std::thread::yield_now();
        }
        let name = lan.name.clone();
        drop(lan);
        let left: Vec<_> =
            std::fs::read_dir("/run/netns").unwrap().flatten().map(|entry| entry.file_name()).collect();
        assert!(!left.iter().any(|entry| entry.to_string_lossy().starts_with(&name)), "{left:?}");
    }
}
