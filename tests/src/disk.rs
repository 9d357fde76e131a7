//! A disk of a few MiB, to be filled up: a tmpfs that the test mounts for itself (root only).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// Unmounted when dropped.
#[derive(Debug)]
pub struct SmallDisk {
    path: PathBuf,
    /// The folder that was made for it goes with it.
    own_dir: Option<TempDir>,
}

impl SmallDisk {
    /// `None`, and a line that says so, where this cannot be tried.
    pub fn mount(story: &str, bytes: u64) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let disk = Self::mount_at(story, bytes, dir.path())?;
        Some(disk.in_own(dir))
    }

    /// Mounts it on a folder, which is made.
    pub fn mount_at(story: &str, bytes: u64, path: &Path) -> Option<Self> {
        if !crate::is_root() {
            crate::skip(story, "mounting a small disk needs root");
            return None;
        }
        fs::create_dir_all(path).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={bytes}"), "tmpfs"])
            .arg(path)
            .output()
            .ok()?;
        if mounted.status.success() {
            return Some(Self { path: path.to_owned(), own_dir: None });
        }
        crate::skip(story, &format!("mount refused: {}", String::from_utf8_lossy(&mounted.stderr).trim()));
        None
    }

    fn in_own(mut self, dir: TempDir) -> Self {
        self.own_dir = Some(dir);
        self
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file that takes every byte that is left.
    pub fn fill_up(&self) -> PathBuf {
        use std::io::Write as _;
        let ballast = self.path().join("ballast");
        let mut file = fs::File::create(&ballast).unwrap();
        let mut piece = vec![0xAA; 256 * 1024];
        while !piece.is_empty() {
            if file.write_all(&piece).is_err() {
                piece.truncate(piece.len() / 2);
            }
        }
        ballast
    }

    pub fn make_read_only(&self) {
        self.remount("ro");
    }

    pub fn make_writable(&self) {
        self.remount("rw");
    }

    fn remount(&self, how: &str) {
        let mounted =
            Command::new("mount").args(["-o", &format!("remount,{how}")]).arg(self.path()).output().unwrap();
        assert!(mounted.status.success(), "remount,{how}: {}", String::from_utf8_lossy(&mounted.stderr));
    }
}

/// Before the folder goes: fields are dropped after this.
impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a process that is just ending must not keep the mount.
        drop(Command::new("umount").arg("-l").arg(&self.path).status());
    }
}
