//! A tree of processes on Windows: a job object that this process is in, and so is everything that it starts.

use std::io;
use std::os::windows::process::CommandExt as _;
use std::process::{Child, Command};
use std::thread;

use win32job::Job;

use super::LOOK_INTERVAL;
use crate::launch::invocation::Invocation;

/// No console window for a program that only prints.
const CREATE_NO_WINDOW: u32 = 0x0800_0000;

pub(super) fn dress(command: &mut Command) {
    command.creation_flags(CREATE_NO_WINDOW);
}

pub(super) fn add_args(command: &mut Command, invocation: &Invocation) {
    match &invocation.raw_args {
        Some(line) => command.raw_arg(line),
        None => command.args(&invocation.args),
    };
}

/// Puts this process into a job. It has no limits: closing it ends nobody.
pub(super) fn prepare() -> io::Result<Job> {
    let job = Job::create().map_err(io::Error::other)?;
    job.assign_current_process().map_err(io::Error::other)?;
    Ok(job)
}

/// Waits until this process is alone in its job; the code of the first process of the game.
#[expect(clippy::needless_pass_by_value, reason = "all of the game has ended then")]
pub(super) fn wait(job: Job, mut first: Child) -> Option<i32> {
    let code = first.wait().ok().and_then(|status| status.code());
    let own = std::process::id() as usize;
    while let Ok(members) = job.query_process_id_list() {
        if members.iter().all(|member| *member == own) {
            break;
        }
        thread::sleep(LOOK_INTERVAL);
    }
    code
}
