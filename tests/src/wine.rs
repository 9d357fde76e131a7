//! The Windows programs, run by wine in a Windows of their own.
//!
//! The programs come from `dist/windows.sh` and lie in the target folder, or where `LANSPREAD_WINDOWS_DIST` says.
//! Nothing outside the given folder is written: neither a person's wine nor home folder is touched.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::{Host, Screen, has_program, program};

/// What wine 8 lacks of Windows 10: one function, forwarded to one that does the same.
const PROCESS_PRNG: &str = "LIBRARY bcryptprimitives.dll\nEXPORTS\nProcessPrng=advapi32.SystemFunction036\n";
/// Where no PC of a test's LAN is.
const NO_GATEWAY: &str = "10.77.0.254";
const COMPILER: &str = "x86_64-w64-mingw32-gcc";

/// A Windows; all that runs in it ends when it is dropped.
#[derive(Debug)]
pub struct Wine {
    folder: PathBuf,
    programs: PathBuf,
    /// Where its windows are; empty is nowhere.
    display: String,
    /// The PC of a LAN that it runs on.
    host: Option<Host>,
    /// As long as it runs, wine's own services do, and none is started by a peer that is to be killed.
    resident: Child,
}

impl Wine {
    /// Makes one in this folder, which takes some seconds. `Err` says what is missing on this machine.
    ///
    /// Display and host are settled for all programs by the first one: wine's desktop is made then, and its server,
    /// which has everybody's sockets.
    pub fn new(folder: &Path, screen: Option<&Screen>, host: Option<&Host>) -> Result<Self, String> {
        for needed in ["wine", "wineserver", COMPILER] {
            if !has_program(needed) {
                return Err(format!("{needed} is not here"));
            }
        }
        let programs = std::env::var_os("LANSPREAD_WINDOWS_DIST").map_or_else(
            || {
                let target = program().ancestors().nth(2).map(Path::to_owned).unwrap_or_default();
                target.join("x86_64-pc-windows-gnu/dist")
            },
            PathBuf::from,
        );
        if !programs.join("lanspread-peer.exe").is_file() {
            return Err(format!(
                "no Windows programs in {}; dist/windows.sh builds them",
                programs.display()
            ));
        }
        fs::create_dir_all(folder.join("dll")).unwrap();
        fs::create_dir_all(folder.join("home")).unwrap();
        fs::write(folder.join("dll/prng.def"), PROCESS_PRNG).unwrap();
        let dll =
            ["-shared", "-nostdlib", "-Wl,--entry,0", "-o", "bcryptprimitives.dll", "prng.def", "-ladvapi32"];
        let built = Command::new(COMPILER).args(dll).current_dir(folder.join("dll")).status();
        assert!(built.is_ok_and(|status| status.success()), "a DLL for wine is built");
        let display = screen.map(|screen| screen.display.clone()).unwrap_or_default();
        let windows = |program: &str| {
            let mut command = command_on(host, program);
            command.envs(variables(folder, &display)).stdout(Stdio::null()).stderr(Stdio::null());
            command
        };
        if let Some(host) = host {
            // Wine 8 lists no adapter where the way out leads to no gateway.
            host.run(&["ip", "route", "replace", "default", "via", NO_GATEWAY]);
        }
        let booted = windows("wineboot").arg("-i").stdin(Stdio::null()).status();
        if !booted.is_ok_and(|status| status.success()) {
            return Err("wine cannot make a Windows here".to_owned());
        }
        let resident = windows("wine").arg("cmd").stdin(Stdio::piped()).spawn().expect("wine starts");
        Ok(Self { folder: folder.to_owned(), programs, display, host: host.cloned(), resident })
    }

    /// What a Windows program's environment needs.
    pub(crate) fn variables(&self) -> Vec<(String, String)> {
        variables(&self.folder, &self.display)
    }

    /// `lanspread` or `lanspread-peer`.
    pub fn program(&self, name: &str) -> PathBuf {
        self.programs.join(format!("{name}.exe"))
    }

    /// The folder that is its disk `C:` and registry.
    pub fn prefix(&self) -> PathBuf {
        self.folder.join("prefix")
    }

    /// A command that runs a Windows program.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = command_on(self.host.as_ref(), "wine");
        command.arg(program).envs(self.variables());
        command
    }

    /// Compiles a program of C for Windows.
    #[track_caller]
    pub fn compile(&self, source: &str) -> Vec<u8> {
        let [code, made] = ["game.c", "game.exe"].map(|name| self.folder.join(name));
        fs::write(&code, source).unwrap();
        let built = Command::new(COMPILER).arg("-o").arg(&made).arg(&code).status();
        assert!(built.is_ok_and(|status| status.success()), "the game is compiled");
        fs::read(made).unwrap()
    }
}

impl Drop for Wine {
    fn drop(&mut self) {
        // Ends what runs in this prefix, and nothing else.
        let mut end = Command::new("wineserver");
        drop(end.arg("-k").envs(self.variables()).stderr(Stdio::null()).status());
        drop(self.resident.kill());
        drop(self.resident.wait());
    }
}

pub(crate) fn command_on(host: Option<&Host>, program: &str) -> Command {
    host.map_or_else(|| Command::new(program), |host| host.command(Path::new(program)))
}

fn variables(folder: &Path, display: &str) -> Vec<(String, String)> {
    let path = |name: &str| folder.join(name).display().to_string();
    [
        ("HOME", path("home")),
        ("WINEPREFIX", path("prefix")),
        ("WINEPATH", path("dll")),
        ("WINEDEBUG", "-all".to_owned()),
        // Wine would offer to download its own .NET and browser.
        ("WINEDLLOVERRIDES", "mscoree,mshtml=".to_owned()),
        ("DISPLAY", display.to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

/// How a Windows program under wine names a file of this machine.
pub fn windows_path(path: &Path) -> String {
    format!("Z:{}", path.display().to_string().replace('/', "\\"))
}
