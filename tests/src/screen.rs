//! A screen of its own for programs with a window, looked at from outside. Linux with Xvfb.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Ends with all windows on it when dropped.
#[derive(Debug)]
pub struct Screen {
    server: Child,
    pub display: String,
}

impl Screen {
    #[track_caller]
    pub fn open() -> Self {
        let mut command = Command::new("Xvfb");
        command.args(["-displayfd", "1", "-screen", "0", "1280x800x24", "-nolisten", "tcp"]);
        let mut server = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut number = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut number).unwrap();
        assert!(!number.trim().is_empty(), "Xvfb opens no screen");
        Self { server, display: format!(":{}", number.trim()) }
    }

    pub fn has_window(&self, title: &str) -> bool {
        let search = self.run("xdotool", &["search", "--onlyvisible", "--name", title]);
        search.is_some_and(|found| !found.is_empty())
    }

    /// A picture of the whole screen, and how many colours it has: one that shows nothing has one.
    #[track_caller]
    pub fn picture(&self, file: &Path) -> u64 {
        let name = file.to_str().unwrap();
        self.run("import", &["-window", "root", name]).expect("import takes a picture");
        let told = self.run("identify", &["-format", "%k", name]).expect("identify reads a picture");
        String::from_utf8_lossy(&told).trim().parse().unwrap()
    }

    /// What a program that looks at the screen printed; `None` when it failed.
    fn run(&self, program: &str, args: &[&str]) -> Option<Vec<u8>> {
        let output = Command::new(program).args(args).env("DISPLAY", &self.display).output().ok()?;
        output.status.success().then_some(output.stdout)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        drop(self.server.kill());
        drop(self.server.wait());
    }
}

/// Whether a program can be found.
pub fn has_program(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(name).is_file())
}
