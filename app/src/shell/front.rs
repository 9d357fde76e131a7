//! A second start on the same games folder brings the first window to the front.
//!
//! The window that has the folder listens on loopback, and says in a file of the folder where, with a word that only who
//! can read the folder knows. Whoever starts on that folder says the word there, and ends when it is answered. A file that
//! a crash left behind leads nowhere, or to a program that does not answer: then the folder's lock decides.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use egui::{Context, ViewportCommand};
use lanspread_peer::disk::GamesFolder;

const FILE: &str = "window";
const ANSWER: &[u8] = b"shown";
/// Digits of the word.
const WORD: usize = 32;
/// On one PC, an answer is there at once or never.
const PATIENCE: Duration = Duration::from_secs(1);

/// Listens on a thread as long as it lives; the file goes with it.
#[derive(Debug)]
pub(super) struct Front {
    games: PathBuf,
    file: PathBuf,
    /// Where the thread listens, once it does.
    port: Arc<OnceLock<u16>>,
    is_over: Arc<AtomicBool>,
}

impl Front {
    /// Of a window that has this games folder. A failure is logged: second starts then find the folder in use.
    pub(super) fn listen(ctx: &Context, games: &Path) -> Self {
        let file = GamesFolder::new(games).state().join(FILE);
        let front = Self { games: games.to_owned(), file, port: Arc::default(), is_over: Arc::default() };
        let (ctx, file) = (ctx.clone(), front.file.clone());
        let (port, is_over) = (Arc::clone(&front.port), Arc::clone(&front.is_over));
        let listen = move || {
            if let Err(error) = answer_all(&ctx, &file, &port, &is_over) {
                tracing::warn!(%error, "second starts find no window");
            }
        };
        if let Err(error) = std::thread::Builder::new().name("front".to_owned()).spawn(listen) {
            tracing::warn!(%error, "second starts find no window");
        }
        front
    }

    pub(super) fn is_of(&self, games: &Path) -> bool {
        self.games == games
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Release);
        // The thread wakes, and sees it. One that does not listen yet sees it before it does.
        if let Some(port) = self.port.get() {
            TcpStream::connect_timeout(&(Ipv4Addr::LOCALHOST, *port).into(), PATIENCE).ok();
        }
        // What stays leads nowhere.
        std::fs::remove_file(&self.file).ok();
    }
}

fn answer_all(ctx: &Context, file: &Path, port: &OnceLock<u16>, is_over: &AtomicBool) -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let own = listener.local_addr()?.port();
    let word = format!("{:0width$x}", rand::random::<u128>(), width = WORD);
    port.set(own).ok();
    if is_over.load(Ordering::Acquire) {
        return Ok(());
    }
    std::fs::write(file, format!("{own} {word}"))?;
    loop {
        let (caller, _) = listener.accept()?;
        if is_over.load(Ordering::Acquire) {
            return Ok(());
        }
        if answer(caller, &word).is_ok() {
            show(ctx);
        }
    }
}

fn show(ctx: &Context) {
    ctx.send_viewport_cmd(ViewportCommand::Minimized(false));
    ctx.send_viewport_cmd(ViewportCommand::Focus);
    ctx.request_repaint();
}

fn answer(mut caller: TcpStream, word: &str) -> io::Result<()> {
    caller.set_read_timeout(Some(PATIENCE))?;
    let mut said = [0; WORD];
    caller.read_exact(&mut said)?;
    if said != word.as_bytes() {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    caller.write_all(ANSWER)
}

/// True when a window on this games folder has come to the front.
pub(super) fn call(games: &Path) -> bool {
    try_call(games).unwrap_or(false)
}

fn try_call(games: &Path) -> io::Result<bool> {
    let text = std::fs::read_to_string(GamesFolder::new(games).state().join(FILE))?;
    let Some((port, word)) = text.split_once(' ') else { return Ok(false) };
    let port: u16 = port.parse().map_err(io::Error::other)?;
    let mut stream = TcpStream::connect_timeout(&(Ipv4Addr::LOCALHOST, port).into(), PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(word.as_bytes())?;
    let mut answer = Vec::new();
    stream.take(64).read_to_end(&mut answer)?;
    Ok(answer == ANSWER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_knows_the_word_is_answered() {
        let folder = tempfile::tempdir().unwrap();
        let state = GamesFolder::new(folder.path()).state();
        std::fs::create_dir_all(&state).unwrap();
        assert!(!call(folder.path()), "nobody has the folder");
        let front = Front::listen(&Context::default(), folder.path());
        let told = loop {
            // Written by a thread, at once.
            match std::fs::read_to_string(state.join(FILE)) {
                Ok(told) if told.len() > WORD => break told,
                _ => std::thread::yield_now(),
            }
        };
        assert!(front.is_of(folder.path()) && call(folder.path()));
        let (port, word) = told.split_once(' ').unwrap();
        std::fs::write(state.join(FILE), format!("{port} {}", word.replace(|_| true, "0"))).unwrap();
        assert!(!call(folder.path()), "another word");
        drop(front);
        assert!(!state.join(FILE).exists() && !call(folder.path()));
        std::fs::write(state.join(FILE), "1 of a crash").unwrap();
        assert!(!call(folder.path()));
    }
}
