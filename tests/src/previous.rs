//! The program of the previous version, built from this repository's own history.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The commit whose program counts as the previous version. A release moves it on.
const PREVIOUS: &str = "7b11dc61c6db53c3c15bfff4811e528e399774fb";
/// Building takes minutes: only where this variable is set.
const WANTED: &str = "LANSPREAD_PREVIOUS";

/// Builds `lanspread-peer` of the previous version into `target/previous`, once for each commit. Needs nothing from the
/// network but crates. Returns `None`, and says why, where that was not asked for or the history is not here, as in a
/// shallow clone.
pub fn previous_program(story: &str) -> Option<PathBuf> {
    static BUILDING: std::sync::Mutex<()> = std::sync::Mutex::new(());
    if std::env::var_os(WANTED).is_none() {
        crate::skip(story, &format!("building the previous version takes minutes: set {WANTED}=1"));
        return None;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let commit = format!("{PREVIOUS}^{{commit}}");
    let known = Command::new("git").current_dir(root).args(["cat-file", "-e", &commit]).output();
    if !known.is_ok_and(|known| known.status.success()) {
        crate::skip(story, &format!("the history does not reach back to {PREVIOUS}"));
        return None;
    }
    // One story builds, the others wait; two test programs would wait for each other in cargo.
    let _building = BUILDING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let source = root.join("target/previous").join(PREVIOUS);
    if !source.join("Cargo.toml").exists() {
        unpack(root, &source);
    }
    let target = root.join("target/previous/target");
    let mut build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    build.current_dir(&source).args(["build", "--quiet", "--locked", "-p", "lanspread-peer"]);
    build.args(["--bin", "lanspread-peer", "--target-dir"]).arg(&target);
    must_succeed(build);
    Some(target.join("debug/lanspread-peer"))
}

/// Writes the commit's files, by another name until all of them are there.
fn unpack(root: &Path, source: &Path) {
    let unfinished = source.with_extension("unfinished");
    drop(std::fs::remove_dir_all(&unfinished));
    std::fs::create_dir_all(&unfinished).unwrap();
    let archive = unfinished.join("source.tar");
    let mut export = Command::new("git");
    export.current_dir(root).args(["archive", "--format=tar", "-o"]).arg(&archive).arg(PREVIOUS);
    must_succeed(export);
    let mut extract = Command::new("tar");
    extract.arg("-xf").arg(&archive).arg("-C").arg(&unfinished);
    must_succeed(extract);
    std::fs::remove_file(archive).unwrap();
    std::fs::rename(unfinished, source).unwrap();
}

fn must_succeed(mut command: Command) {
    let Output { status, stderr, .. } = command.stdin(Stdio::null()).output().unwrap();
    assert!(status.success(), "{command:?} failed:\n{}", String::from_utf8_lossy(&stderr));
}
