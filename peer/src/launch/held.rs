//! Whether a program uses an installed game, whoever started it.
//!
//! A person may have started the game without Lanspread, or before Lanspread was started again. What is looked at is
//! what every process of this person has open at this moment; other persons' processes cannot be seen.

use std::io;
use std::path::Path;

/// The name of a program that runs in `local`, from `local`, or holds a file in it; never this one. May take some
/// milliseconds for each process.
///
/// On Windows only programs and libraries that are in use are found, and the name is the file's: what is open for
/// reading cannot be told from outside without a driver or a debugger's rights.
pub fn is_held_open(local: &Path) -> io::Result<Option<String>> {
    let local = match std::fs::canonicalize(local) {
        Ok(local) => local,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    system::held(&local)
}

#[cfg(unix)]
mod system {
    use std::fs;
    use std::io;
    use std::path::Path;

    pub(super) fn held(local: &Path) -> io::Result<Option<String>> {
        let own = std::process::id().to_string();
        for process in fs::read_dir("/proc")? {
            let process = process?;
            let name = process.file_name();
            let is_process = name.to_string_lossy().bytes().all(|byte| byte.is_ascii_digit());
            if !is_process || name == *own {
                continue;
            }
            // What cannot be read has ended or belongs to somebody else.
            if uses(&process.path(), local) {
                let name = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
                return Ok(Some(name.trim_end().to_owned()));
            }
        }
        Ok(None)
    }

    fn uses(process: &Path, local: &Path) -> bool {
        let leads_in = |link: &Path| fs::read_link(link).is_ok_and(|target| target.starts_with(local));
        let has_open = || {
            let files = fs::read_dir(process.join("fd")).into_iter().flatten().filter_map(Result::ok);
            files.into_iter().any(|file| leads_in(&file.path()))
        };
        leads_in(&process.join("cwd")) || leads_in(&process.join("exe")) || has_open() || maps(process, local)
    }

    /// Whether a file of the folder is mapped. The path is a line's end, from its first slash on.
    fn maps(process: &Path, local: &Path) -> bool {
        let Ok(maps) = fs::read(process.join("maps")) else { return false };
        let maps = String::from_utf8_lossy(&maps);
        maps.lines()
            .filter_map(|line| line.find('/').map(|at| &line[at..]))
            .any(|path| Path::new(path).starts_with(local))
    }
}

#[cfg(windows)]
mod system {
    use std::fs::OpenOptions;
    use std::io;
    use std::os::windows::fs::OpenOptionsExt as _;
    use std::path::Path;

    use walkdir::WalkDir;

    /// `ERROR_SHARING_VIOLATION`: somebody holds the file, or runs it.
    const IN_USE: i32 = 32;
    /// What running programs have in memory.
    const ENDINGS: [&str; 4] = ["exe", "dll", "ocx", "asi"];

    pub(super) fn held(local: &Path) -> io::Result<Option<String>> {
        for entry in WalkDir::new(local) {
            let entry = entry.map_err(io::Error::from)?;
            let ending = entry.path().extension().map(|ending| ending.to_string_lossy().to_lowercase());
            let is_program = ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str()));
            if is_program && entry.file_type().is_file() && is_in_use(entry.path()) {
                return Ok(Some(entry.file_name().to_string_lossy().into_owned()));
            }
        }
        Ok(None)
    }

    /// A file that runs cannot be opened for writing. Nothing is written.
    fn is_in_use(file: &Path) -> bool {
        let opened = OpenOptions::new().write(true).share_mode(0).open(file);
        opened.is_err_and(|error| error.raw_os_error() == Some(IN_USE))
    }
}
