//! Lanspread's desktop program.

// No console beside the window when it is started by a double click.
#![cfg_attr(windows, windows_subsystem = "windows")]

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use lanspread_app::start::{Args, run};

fn main() -> ExitCode {
    // Games are kept by this program itself.
    if let Some(kept) = lanspread_peer::launch::keep_if_asked() {
        return kept;
    }
    use_console();
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to be told when stderr is closed.
            drop(writeln!(std::io::stderr(), "lanspread: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Started from a console, a Windows program without one of its own writes into that.
#[cfg(windows)]
#[expect(
    unsafe_code,
    reason = "one call without pointers; it fails where there is no console, which is fine"
)]
fn use_console() {
    use windows_sys::Win32::System::Console::{ATTACH_PARENT_PROCESS, AttachConsole};
    unsafe { AttachConsole(ATTACH_PARENT_PROCESS) };
}

#[cfg(not(windows))]
const fn use_console() {}
