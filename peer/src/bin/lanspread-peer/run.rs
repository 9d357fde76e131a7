//! `run`: a peer that is led over stdin and stdout.
//!
//! Reading stdin and writing stdout are blocking and have a thread each, joined to the conversation by bounded queues.
//! The reader may stand in a read for ever: it is not awaited at the end. The writer is, for a moment: a peer whose
//! stdout nobody reads must stop, too.

use std::convert::Infallible;
use std::io::{self, Read as _, Write as _};
use std::time::Duration;

use anyhow::Context as _;
use lanspread_peer::api::{PeerConfig, PeerEvent, PeerRuntimeHandle, Waker};
use lanspread_peer::disk::GamesFolder;
use lanspread_peer::json_lines::lines::{InputLine, LineSplitter};
use lanspread_peer::json_lines::session::{AtInputEnd, OUTPUT_QUEUE, converse, event_line};
use lanspread_peer::logging::Logs;
use lanspread_peer::runtime::{StartError, start_peer};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::args::RunArgs;
use crate::output::print;

/// Lines read ahead of the conversation.
const INPUT_QUEUE: usize = 16;
/// How long the last lines may take to be read by whoever reads stdout.
const LAST_LINES: Duration = Duration::from_secs(1);

pub(crate) fn run(args: RunArgs) -> anyhow::Result<()> {
    let logs = Logs::start();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the program's event loop")?;
    let config = PeerConfig::from(args);
    let games = GamesFolder::new(config.games.clone());
    let handle = start_peer(config, Waker::none()).inspect_err(tell_failed_start)?;
    // Not before: until now the folder could have been another program's.
    if let Err(error) = logs.write_to(&games.logs()) {
        tracing::warn!("{error}");
    }
    let end = runtime.block_on(async {
        tokio::select! {
            end = lead(&handle) => end,
            never = move_log(&handle, &logs) => match never {},
        }
    });
    logs.close_file();
    end
}

/// The log goes with the games folder. Ends when this future is dropped.
async fn move_log(handle: &PeerRuntimeHandle, logs: &Logs) -> Infallible {
    // Not the handle's own: its first subscriber gets the events since the start, and that is the conversation.
    let mut events = handle.client().subscribe();
    loop {
        match events.recv().await {
            Ok(PeerEvent::GamesFolderChanged { games_dir }) => {
                if let Err(error) = logs.write_to(&GamesFolder::new(games_dir).logs()) {
                    tracing::warn!("{error}");
                }
            }
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return std::future::pending().await,
        }
    }
}

/// A required service that cannot even start is told like one that fails later.
fn tell_failed_start(error: &StartError) {
    if let StartError::Net(cause) = error {
        let (component, error) = ("network".to_owned(), cause.to_string());
        for event in [PeerEvent::RuntimeFailed { component, error }, PeerEvent::Stopped] {
            // The complaint on stderr follows, whoever reads this.
            drop(print(&event_line(Duration::ZERO, &event)));
        }
    }
}

/// Leads the peer until it has stopped.
async fn lead(handle: &PeerRuntimeHandle) -> anyhow::Result<()> {
    let events = handle.subscribe();
    let input = read_stdin()?;
    let (output, written) = write_stdout()?;
    let client = handle.client();
    let talk = async {
        let output = output;
        converse(&client, events, input, &output, AtInputEnd::Stay).await;
        // It ended because the peer stopped, or because nobody reads any more.
        client.shutdown();
    };
    let stopped = async {
        tokio::select! {
            signal = stop_signal() => {
                if let Err(error) = signal {
                    tracing::warn!("cannot listen to signals: {error}");
                    std::future::pending::<()>().await;
                }
                client.shutdown();
            }
            _ = handle.wait_stopped() => {}
        }
        handle.wait_stopped().await
    };
    let talk_to_the_end = async {
        talk.await;
        // It only ever ends by the writer's end of it being dropped.
        written.await.unwrap_or_default();
    };
    tokio::pin!(talk_to_the_end);
    tokio::pin!(stopped);
    let end = tokio::select! {
        end = &mut stopped => {
            if timeout(LAST_LINES, talk_to_the_end).await.is_err() {
                tracing::warn!("nobody reads the last events");
            }
            end
        }
        () = &mut talk_to_the_end => stopped.await,
    };
    end.map_err(|failure| anyhow::anyhow!("{}: {}", failure.component, failure.error))
}

/// Lines of stdin. The queue ends with it.
fn read_stdin() -> anyhow::Result<mpsc::Receiver<InputLine>> {
    let (lines, input) = mpsc::channel(INPUT_QUEUE);
    let read = move || {
        let mut stdin = io::stdin().lock();
        let mut splitter = LineSplitter::default();
        let mut piece = vec![0; 64 * 1024];
        loop {
            let bytes = match stdin.read(&mut piece) {
                Ok(0) => break,
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    tracing::warn!("cannot read commands any more: {error}");
                    break;
                }
            };
            for line in splitter.push(&piece[..bytes]) {
                if lines.blocking_send(line).is_err() {
                    return;
                }
            }
        }
        if let Some(line) = splitter.finish() {
            // The conversation may be over.
            drop(lines.blocking_send(line));
        }
    };
    let thread = std::thread::Builder::new().name("stdin".to_owned());
    thread.spawn(read).context("cannot start a thread for stdin")?;
    Ok(input)
}

/// A queue of lines for stdout, and when all of them are written. The queue closes when stdout does.
fn write_stdout() -> anyhow::Result<(mpsc::Sender<String>, oneshot::Receiver<()>)> {
    let (output, mut lines) = mpsc::channel::<String>(OUTPUT_QUEUE);
    let (done, written) = oneshot::channel();
    let write = move || {
        let mut stdout = io::stdout().lock();
        while let Some(line) = lines.blocking_recv() {
            if let Err(error) = writeln!(stdout, "{line}").and_then(|()| stdout.flush()) {
                tracing::warn!("nobody reads the events any more: {error}");
                lines.close();
                break;
            }
        }
        // Dropped, it says that everything is written.
        drop(done);
    };
    let thread = std::thread::Builder::new().name("stdout".to_owned());
    thread.spawn(write).context("cannot start a thread for stdout")?;
    Ok((output, written))
}

/// Waits until the system or a person at the keyboard wants the peer to stop.
#[cfg(unix)]
async fn stop_signal() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

#[cfg(windows)]
async fn stop_signal() -> io::Result<()> {
    use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close};
    let (mut c, mut pause, mut close) = (ctrl_c()?, ctrl_break()?, ctrl_close()?);
    tokio::select! {
        _ = c.recv() => {}
        _ = pause.recv() => {}
        _ = close.recv() => {}
    }
    Ok(())
}
