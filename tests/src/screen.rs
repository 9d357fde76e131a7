//! A screen of its own for programs with a window, looked at and used from outside. Linux with Xvfb.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::program;

/// What the screen needs of the system.
pub const SCREEN_PROGRAMS: [&str; 3] = ["Xvfb", "xdotool", "import"];

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

    /// Lets the keyboard speak to a window; there is no window manager that would.
    #[track_caller]
    pub fn focus(&self, title: &str) {
        // A window that has just come may not be ready for it.
        until("the keyboard's focus", || {
            let found =
                self.run("xdotool", &["search", "--onlyvisible", "--name", title]).unwrap_or_default();
            let found = String::from_utf8_lossy(&found);
            let window = found.lines().next();
            window.is_some_and(|window| self.run("xdotool", &["windowfocus", "--sync", window]).is_some())
        });
    }

    #[track_caller]
    pub fn click(&self, (x, y): (u32, u32)) {
        let (x, y) = (x.to_string(), y.to_string());
        self.run("xdotool", &["mousemove", &x, &y, "click", "1"]).expect("xdotool clicks");
    }

    #[track_caller]
    pub fn point(&self, (x, y): (u32, u32)) {
        self.run("xdotool", &["mousemove", &x.to_string(), &y.to_string()]).expect("xdotool points");
    }

    /// Where the pointer is.
    #[track_caller]
    pub fn press(&self) {
        self.run("xdotool", &["click", "1"]).expect("xdotool clicks");
    }

    /// Names as X has them: `Return`, `ctrl+a`.
    #[track_caller]
    pub fn keys(&self, keys: &[&str]) {
        self.run("xdotool", &[&["key"], keys].concat()).expect("xdotool presses keys");
    }

    #[track_caller]
    pub fn write(&self, text: &str) {
        self.run("xdotool", &["type", text]).expect("xdotool types");
    }

    /// The colour at a place, as `#3DDCB4`.
    #[track_caller]
    pub fn color(&self, (x, y): (u32, u32)) -> String {
        let place = format!("1x1+{x}+{y}");
        let told = self.run("import", &["-window", "root", "-crop", &place, "-depth", "8", "txt:-"]);
        let told = String::from_utf8(told.expect("import looks")).unwrap();
        let color = told.split_whitespace().find(|word| word.starts_with('#') && word.len() >= 7);
        color.expect("a colour")[..7].to_owned()
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

/// Waits for what nothing tells from inside: it is looked at until it holds.
#[track_caller]
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !holds() {
        assert!(Instant::now() < deadline, "it did not come to: {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Where CI keeps what a person may want to look at.
pub fn pictures() -> PathBuf {
    let folder = program().ancestors().nth(2).unwrap().join("ci/pictures");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}
