//! What exactly is run: the program, its arguments, its folder, its environment.
//!
//! Everything named here was looked for and lies in the game's own folder.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use lanspread_protocol::{LaunchEntry, Os, WorkingFolder};
use serde::{Deserialize, Serialize};

use super::choose::{Program, Runner, Script, What};
use super::{LaunchError, LaunchRequest, cmd};
use crate::disk::layout::under;

/// A process to be started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Invocation {
    pub(super) program: OsString,
    pub(super) args: Vec<OsString>,
    /// Instead of arguments, on Windows: a command line that nothing is to be quoted in.
    pub(super) raw_args: Option<String>,
    pub(super) folder: OsString,
    /// Beside what this program has in its own.
    pub(super) env: Vec<(OsString, OsString)>,
}

pub(super) fn invocation(program: &Program, request: &LaunchRequest) -> Result<Invocation, LaunchError> {
    match &program.what {
        What::Entry(entry) => of_entry(entry, &program.by, request),
        What::Script(script) => of_script(*script, &program.by, request),
    }
}

fn of_entry(entry: &LaunchEntry, by: &Runner, request: &LaunchRequest) -> Result<Invocation, LaunchError> {
    let place = Place::of(request)?;
    let program = place.find_file(&place.local, entry)?;
    let folder = match &entry.folder {
        None => program.parent().unwrap_or(&place.local).to_owned(),
        Some(WorkingFolder::Local) => place.local.clone(),
        Some(WorkingFolder::Below(path)) => {
            place.inside(find(&place.local, path.components()), || under(&place.local, path))?
        }
    };
    let is_script = entry.os == Os::Windows && is_cmd_script(&program);
    let values = Values::new(&place, by, request, is_script)?;
    let fill = |text: &String| values.fill(&entry.name, text);
    let args = entry.args.iter().map(fill).collect::<Result<Vec<_>, _>>()?;
    let variable = |(name, value): (&String, &String)| Ok((OsString::from(name), fill(value)?));
    let env = entry.env.iter().map(variable).collect::<Result<Vec<_>, LaunchError>>()?;
    if is_script {
        let args: Vec<_> = args.iter().map(|arg| arg.to_string_lossy().into_owned()).collect();
        let line = cmd::script_line(&windows_path(&program, by), &args);
        return Ok(of_line(line, by, folder, env));
    }
    let (program, args) = match by {
        Runner::System => {
            make_executable(&program)?;
            (program, args)
        }
        Runner::Wine(wine) => (wine.clone(), std::iter::once(program.into()).chain(args).collect()),
    };
    Ok(Invocation { program: program.into(), args, raw_args: None, folder: folder.into(), env })
}

fn of_script(script: Script, by: &Runner, request: &LaunchRequest) -> Result<Invocation, LaunchError> {
    let place = Place::of(request)?;
    let file =
        place.inside(find(&place.root, [script.file_name()]), || place.root.join(script.file_name()))?;
    let line = cmd::eti_line(
        &windows_path(&file, by),
        &windows_path(&place.root, by),
        &request.game,
        &request.lang,
        &request.player,
    );
    Ok(of_line(line, by, place.root, Vec::new()))
}

/// `cmd.exe` with a line to carry out.
fn of_line(line: String, by: &Runner, folder: PathBuf, mut env: Vec<(OsString, OsString)>) -> Invocation {
    let (program, args, raw_args) = match by {
        Runner::System => (system_cmd(), Vec::new(), Some(cmd::cmd_args(&line))),
        Runner::Wine(wine) => {
            env.push((cmd::LINE_VARIABLE.into(), line.into()));
            (wine.clone(), cmd::wine_cmd_args().map(OsString::from).into(), None)
        }
    };
    Invocation { program: program.into(), args, raw_args, folder: folder.into(), env }
}

/// The system's own, not one that lies beside this program.
fn system_cmd() -> PathBuf {
    let root = std::env::var_os("SystemRoot").map(PathBuf::from);
    root.map_or_else(|| PathBuf::from("cmd.exe"), |root| root.join("System32").join("cmd.exe"))
}

/// A game's folder, as programs are told of it.
struct Place {
    root: PathBuf,
    local: PathBuf,
    /// Without links.
    real_root: PathBuf,
}

impl Place {
    fn of(request: &LaunchRequest) -> Result<Self, LaunchError> {
        let root = request.folder.root();
        let tried = |cause| LaunchError::Io { action: "look at", path: root.to_owned(), cause };
        let real_root = fs::canonicalize(root).map_err(tried)?;
        let absolute = |path: &Path| -> Result<PathBuf, LaunchError> {
            let path = std::path::absolute(path).map_err(tried)?;
            Ok(if cfg!(windows) { cmd::plain_path(&path.to_string_lossy()).into() } else { path })
        };
        Ok(Self { root: absolute(root)?, local: absolute(&request.folder.local())?, real_root })
    }

    fn find_file(&self, local: &Path, entry: &LaunchEntry) -> Result<PathBuf, LaunchError> {
        let file = self.inside(find(local, entry.program.components()), || under(local, &entry.program))?;
        if file.is_file() { Ok(file) } else { Err(LaunchError::Missing { path: file }) }
    }

    /// What was found, if it is in the game's folder wherever links lead.
    fn inside(&self, found: Option<PathBuf>, wanted: impl Fn() -> PathBuf) -> Result<PathBuf, LaunchError> {
        let path = found.ok_or_else(|| LaunchError::Missing { path: wanted() })?;
        match fs::canonicalize(&path) {
            Ok(real) if real.starts_with(&self.real_root) => Ok(path),
            Ok(_elsewhere) => Err(LaunchError::LeadsOut { path }),
            // A link to nothing.
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Err(LaunchError::Missing { path }),
            Err(cause) => Err(LaunchError::Io { action: "look at", path, cause }),
        }
    }
}

/// What is there under a relative path. Names are those of Windows programs as well, which do not mind their case: if
/// the exact one is not there, another case of it is taken.
pub(super) fn find<'a>(root: &Path, names: impl IntoIterator<Item = &'a str>) -> Option<PathBuf> {
    names.into_iter().try_fold(root.to_owned(), |folder, name| {
        let exact = folder.join(name);
        if exact.exists() {
            return Some(exact);
        }
        let key = name.to_lowercase();
        let entries = fs::read_dir(&folder).ok()?.filter_map(Result::ok);
        let mut twins = entries.filter(|entry| entry.file_name().to_string_lossy().to_lowercase() == key);
        twins.next().map(|entry| entry.path())
    })
}

fn is_cmd_script(program: &Path) -> bool {
    let ending = program.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    ending.is_some_and(|ending| ending == "cmd" || ending == "bat")
}

fn windows_path(path: &Path, by: &Runner) -> String {
    match by {
        Runner::System => cmd::plain_path(&path.to_string_lossy()),
        Runner::Wine(_) => cmd::wine_path(path),
    }
}

/// What is filled in for each name in braces.
struct Values([(&'static str, Option<OsString>); 5]);

impl Values {
    fn new(place: &Place, by: &Runner, request: &LaunchRequest, for_cmd: bool) -> Result<Self, LaunchError> {
        if let Some(server) = request.server.as_ref().filter(|server| !is_address(server)) {
            return Err(LaunchError::BadServer { server: server.clone() });
        }
        let text = |value: &str| -> OsString {
            // No system takes a NUL in an argument, and no game a line break in a name.
            let plain = || value.chars().map(|c| if c.is_control() { '_' } else { c }).collect();
            if for_cmd { cmd::harmless(value) } else { plain() }.into()
        };
        let path = |path: &Path| match by {
            Runner::System => path.as_os_str().to_owned(),
            Runner::Wine(_) => cmd::wine_path(path).into(),
        };
        Ok(Self([
            ("{player}", Some(text(&request.player))),
            ("{lang}", Some(text(&request.lang))),
            ("{game_dir}", Some(path(&place.root))),
            ("{local_dir}", Some(path(&place.local))),
            ("{server}", request.server.as_deref().map(text)),
        ]))
    }

    /// Fills each name in once: what a value says is not read again.
    fn fill(&self, entry: &str, text: &str) -> Result<OsString, LaunchError> {
        let mut filled = OsString::new();
        let mut rest = text;
        while let Some(at) = rest.find('{') {
            filled.push(&rest[..at]);
            rest = &rest[at..];
            rest = match self.0.iter().find(|(name, _)| rest.starts_with(name)) {
                Some((name, Some(value))) => {
                    filled.push(value);
                    &rest[name.len()..]
                }
                Some((_, None)) => return Err(LaunchError::NoServer { name: entry.to_owned() }),
                None => {
                    filled.push("{");
                    &rest[1..]
                }
            };
        }
        filled.push(rest);
        Ok(filled)
    }
}

/// Whether a text can only be a host, with or without a port, and no option of a program.
fn is_address(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '-' | '_' | '[' | ']' | '%');
    !text.is_empty() && !text.starts_with(['-', '_', '%']) && text.chars().all(fits)
}

/// A program whose executable bit was lost on its way gets it back.
#[cfg(unix)]
fn make_executable(program: &Path) -> Result<(), LaunchError> {
    use std::os::unix::fs::PermissionsExt as _;
    let tried = |cause| LaunchError::Io { action: "make executable", path: program.to_owned(), cause };
    let mode = fs::metadata(program).map_err(tried)?.permissions().mode();
    if mode & 0o111 != 0 {
        return Ok(());
    }
    // Whoever may read it may run it.
    let mode = mode | (mode & 0o444) >> 2;
    fs::set_permissions(program, fs::Permissions::from_mode(mode)).map_err(tried)
}

#[cfg(not(unix))]
fn make_executable(_program: &Path) -> Result<(), LaunchError> {
    Ok(())
}

#[cfg(test)]
mod tests;
