//! A tree of processes on Linux: everything that this process, a subreaper, is an ancestor of.

use std::fs;
use std::io;
use std::process::{Child, Command};
use std::thread;

use rustix::io::Errno;
use rustix::process::{Pid, WaitOptions, WaitStatus, getpid, setsid, wait as wait_for_any};

use super::LOOK_INTERVAL;
use crate::launch::invocation::Invocation;

/// Programs that a game starts and that then serve the whole session, by the beginning of their name: they do not keep
/// a game running. The first are wine's own, which other games in the same prefix use, too.
const BYSTANDERS: [&str; 20] = [
    "wineserver",
    "services.exe",
    "winedevice.exe",
    "plugplay.exe",
    "svchost.exe",
    "rpcss.exe",
    "explorer.exe",
    "wineboot.exe",
    "dbus-daemon",
    "dbus-launch",
    "pulseaudio",
    "pipewire",
    "wireplumber",
    "gvfs",
    "dconf-service",
    "at-spi",
    "ibus-",
    "fcitx",
    "speech-dispatch",
    "gpg-agent",
];

/// Stands for the tree: it is whatever descends from this process.
#[derive(Debug)]
pub(super) struct Tree;

/// Nothing is needed to start a process quietly.
pub(super) fn dress(_command: &mut Command) {}

pub(super) fn add_args(command: &mut Command, invocation: &Invocation) {
    command.args(&invocation.args);
}

/// Makes this process the one that inherits orphans, away from the terminal and its signals.
pub(super) fn prepare() -> io::Result<Tree> {
    // Not allowed to the leader of a group, which a keeper started by hand can be.
    if let Err(error) = setsid()
        && error != Errno::PERM
    {
        return Err(error.into());
    }
    #[cfg(target_os = "linux")]
    rustix::process::set_child_subreaper(Some(getpid()))?;
    Ok(Tree)
}

/// Waits until all of the tree has ended; the code of its first process.
#[expect(
    clippy::needless_pass_by_value,
    reason = "all of the game has ended then, and its first process is reaped"
)]
pub(super) fn wait(_tree: Tree, first: Child) -> Option<i32> {
    let code = wait_for_first(Pid::from_child(&first));
    let mut looks = 0;
    loop {
        match wait_for_any(WaitOptions::NOHANG) {
            Ok(Some(_)) | Err(Errno::INTR) => continue,
            Ok(None) => {}
            Err(_no_child) => return code,
        }
        // A list of children that is read while some end may lack others.
        looks = if only_bystanders_are_left() { looks + 1 } else { 0 };
        if looks == 2 {
            return code;
        }
        thread::sleep(LOOK_INTERVAL);
    }
}

fn wait_for_first(first: Pid) -> Option<i32> {
    loop {
        match wait_for_any(WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid == first => return WaitStatus::exit_status(status),
            Ok(_) | Err(Errno::INTR) => {}
            Err(_no_child) => return None,
        }
    }
}

fn only_bystanders_are_left() -> bool {
    let own = getpid().as_raw_nonzero().get().unsigned_abs();
    let Ok(mut left) = children(own) else { return false };
    if left.is_empty() {
        return false;
    }
    while let Some(pid) = left.pop() {
        // Who has ended meanwhile has no name and no children.
        let Ok(name) = fs::read_to_string(format!("/proc/{pid}/comm")) else { continue };
        if !BYSTANDERS.iter().any(|bystander| name.starts_with(bystander)) {
            return false;
        }
        left.extend(children(pid).unwrap_or_default());
    }
    true
}

/// An error where the kernel does not list children.
fn children(pid: u32) -> io::Result<Vec<u32>> {
    let mut children = Vec::new();
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        let list = fs::read_to_string(thread?.path().join("children"))?;
        children.extend(list.split_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
    }
    Ok(children)
}
