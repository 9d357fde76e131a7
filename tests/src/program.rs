//! The program under test: found beside the test executable, built when it has to be, run to its end.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The real `lanspread-peer`. `LANSPREAD_PEER` names another one.
///
/// Under cargo it is built first where it is older than its sources: `cargo test --workspace` has just made it, but
/// cargo does not build one package's program for another package's tests alone, and a stale one would be tested in
/// silence.
pub fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        if let Some(given) = std::env::var_os("LANSPREAD_PEER") {
            return given.into();
        }
        let profile_dir = profile_dir();
        let program = profile_dir.join(format!("lanspread-peer{}", std::env::consts::EXE_SUFFIX));
        let cargo = std::env::var_os("CARGO");
        let is_stale = cargo.is_some() && !is_newer_than_its_sources(&program);
        if is_stale || !program.exists() {
            build(&cargo.unwrap_or_else(|| "cargo".into()), &profile_dir);
        }
        assert!(program.exists(), "cargo built no {}", program.display());
        program
    })
}

/// The real `lanspread`, the window; `None` when it was not built: `cargo test --workspace` does, and keeps it true.
pub fn window_program() -> Option<PathBuf> {
    let program = profile_dir().join(format!("lanspread{}", std::env::consts::EXE_SUFFIX));
    program.exists().then_some(program)
}

fn profile_dir() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let folder = own.parent().unwrap();
    let folder = if folder.ends_with("deps") { folder.parent().unwrap() } else { folder };
    folder.to_owned()
}

/// Whether nothing that a person changes is newer than it. It is not asked whose it is: worktrees do not share a target
/// folder.
fn is_newer_than_its_sources(program: &Path) -> bool {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let Ok(built) = program.metadata().and_then(|file| file.modified()) else { return false };
    let sources =
        ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml", "protocol", "peer"].map(|name| root.join(name));
    let files = sources.into_iter().flat_map(|source| {
        // Tests are no part of it.
        walkdir::WalkDir::new(source).into_iter().filter_entry(|entry| entry.file_name() != "tests")
    });
    let mut files = files.filter_map(Result::ok).filter(|entry| entry.file_type().is_file());
    files.all(|file| {
        let changed = file.metadata().ok().and_then(|metadata| metadata.modified().ok());
        changed.is_some_and(|changed| changed <= built)
    })
}

fn build(cargo: &OsStr, profile_dir: &Path) {
    let mut command = Command::new(cargo);
    command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap());
    command.args(["build", "--quiet", "-p", "lanspread-peer", "--bin", "lanspread-peer", "--target-dir"]);
    command.arg(profile_dir.parent().unwrap());
    if profile_dir.ends_with("release") {
        command.arg("--release");
    }
    let built = command.stdin(Stdio::null()).output().expect("cargo runs");
    assert!(
        built.status.success(),
        "building lanspread-peer failed:\n{}",
        String::from_utf8_lossy(&built.stderr)
    );
}

/// A run of the program that came to its end.
#[derive(Debug)]
pub struct Run {
    args: Vec<String>,
    /// The exit code; `None` after a signal.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// Runs `lanspread-peer ARGS…` to its end.
pub fn lanspread<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Run {
    let mut command = Command::new(program());
    command.args(args);
    Run::of(command)
}

impl Run {
    pub fn of(mut command: Command) -> Self {
        let args = command.get_args().map(|arg| arg.to_string_lossy().into_owned()).collect();
        let output = command.stdin(Stdio::null()).output().expect("the program starts");
        Self {
            args,
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Requires exit code 0.
    #[track_caller]
    pub fn ok(&self) -> &Self {
        self.exits(0)
    }

    /// Requires this exit code and, like any program, no panic.
    #[track_caller]
    pub fn exits(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "exit code\n{self}");
        assert!(!self.stderr.contains("panicked at"), "it panicked\n{self}");
        self
    }

    /// Requires that stderr speaks of all of these, and stdout is empty: one clear message, in its place.
    #[track_caller]
    pub fn complains_of(&self, words: &[&str]) -> &Self {
        for word in words {
            assert!(self.stderr.contains(word), "stderr does not mention {word:?}\n{self}");
        }
        assert_eq!(self.stdout, "", "a failed command prints no result\n{self}");
        self
    }

    /// Each line of stdout as JSON.
    #[track_caller]
    pub fn json_lines(&self) -> Vec<serde_json::Value> {
        let parse =
            |line: &str| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}\n{self}"));
        self.stdout.lines().map(parse).collect()
    }

    /// The only line of stdout as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        let mut lines = self.json_lines();
        assert_eq!(lines.len(), 1, "one line expected\n{self}");
        lines.remove(0)
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "$ lanspread-peer {}", self.args.join(" "))?;
        writeln!(f, "exit code {:?}\n-- stdout\n{}-- stderr\n{}", self.code, self.stdout, self.stderr)
    }
}
