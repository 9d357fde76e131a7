//! How another program on this PC reaches the peer that runs on a games folder.
//!
//! A listener on the loopback address, at a port that the system chooses. Address and a random token lie in
//! `<games>/.lanspread/control`, which only the folder's owner can read; the file goes when the peer stops. A
//! connection's first line is the token, then it is the same conversation as `run` has on stdin and stdout.
//!
//! Whoever connects without the token costs one short line and a few seconds at most. Connections, lines and the time
//! a reader may take are bounded. The token is compared in constant time.

use std::collections::VecDeque;
use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use lanspread_protocol::Blake3Hash;
use serde_json::Value;
use thiserror::Error;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::OwnedReadHalf;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::api::PeerClient;
use crate::json_lines::lines::{InputLine, LineSplitter};
use crate::json_lines::session::{AtInputEnd, OUTPUT_QUEUE, converse};

/// The file in the games folder's state directory.
const FILE_NAME: &str = "control";
const FILE_MARK: &str = "lanspread-control-1";
/// Programs that talk to the peer at once: a publish or two, a second start of the window.
const MAX_CONNECTIONS: usize = 8;
/// By then the token must have come.
const TOKEN_TIMEOUT: Duration = Duration::from_secs(5);
/// By then a line must have been read by the other side.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// By then a running peer has answered a command.
const REPLY_TIMEOUT: Duration = Duration::from_secs(20);
/// Bytes of a token's line: 64 digits and its end, with room for a carriage return.
const TOKEN_LINE_BYTES: usize = 66;
/// The longest line that is read from a peer: the library of thousands of games is an event.
const MAX_EVENT_BYTES: u64 = 64 * 1024 * 1024;
/// How long the listener rests when the system has no more sockets.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Why a running peer cannot be reached, or does not answer.
#[derive(Debug, Error)]
pub enum ControlError {
    #[error("another Lanspread runs on this folder, but cannot be reached: {cause} (“{}”)", path.display())]
    File { path: PathBuf, cause: io::Error },
    #[error("another Lanspread runs on this folder, but “{}” does not say where", path.display())]
    Malformed { path: PathBuf },
    #[error("another Lanspread runs on this folder, but does not answer at {address}: {cause}")]
    Connect { address: SocketAddr, cause: io::Error },
    #[error("the Lanspread that runs on this folder has ended the conversation: {0}")]
    Lost(io::Error),
}

/// Waits for programs that want to talk to the peer. Dropping it removes the file that tells where.
#[derive(Debug)]
pub struct ControlListener {
    listener: TcpListener,
    token: Blake3Hash,
    file: ControlFile,
}

#[derive(Debug)]
struct ControlFile(PathBuf);

impl Drop for ControlFile {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.0)
            && error.kind() != io::ErrorKind::NotFound
        {
            warn!("cannot remove “{}”: {error}", self.0.display());
        }
    }
}

impl ControlListener {
    /// Listens, and says where in `state_dir` (`<games>/.lanspread`, which must exist and be locked by this program).
    pub async fn bind(state_dir: &Path) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let token = Blake3Hash(rand::random());
        let path = state_dir.join(FILE_NAME);
        // Made by tempfile, the file is its owner's alone from the first moment.
        let mut file =
            tempfile::Builder::new().prefix(".lanspread.").suffix(".tmp").tempfile_in(state_dir)?;
        writeln!(file, "{FILE_MARK} {} {token}", listener.local_addr()?)?;
        file.persist(&path).map_err(|error| error.error)?;
        Ok(Self { listener, token, file: ControlFile(path) })
    }

    /// Serves until the token is cancelled.
    pub async fn serve(self, client: PeerClient, stop: CancellationToken) -> io::Result<()> {
        let Self { listener, token, file } = self;
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                Some(_ended) = connections.join_next() => {}
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) if connections.len() < MAX_CONNECTIONS => {
                        connections.spawn(serve_one(stream, token, client.clone()));
                    }
                    Ok(_) => debug!("more than {MAX_CONNECTIONS} programs want to talk to this peer"),
                    Err(error) => {
                        debug!("cannot accept a program's connection: {error}");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        }
        drop(file);
        connections.shutdown().await;
        Ok(())
    }
}

async fn serve_one(mut stream: TcpStream, token: Blake3Hash, client: PeerClient) {
    match timeout(TOKEN_TIMEOUT, knows_token(&mut stream, token)).await {
        Ok(Ok(true)) => {}
        _ => return debug!("a program without this folder's token was turned away"),
    }
    let events = client.subscribe();
    let (reader, mut writer) = stream.into_split();
    let (lines, input) = mpsc::channel(1);
    let (output, mut waiting) = mpsc::channel::<String>(OUTPUT_QUEUE);
    let write = async {
        while let Some(mut line) = waiting.recv().await {
            line.push('\n');
            match timeout(WRITE_TIMEOUT, writer.write_all(line.as_bytes())).await {
                Ok(Ok(())) => {}
                // Dropping the queue's end tells the conversation.
                _ => return waiting.close(),
            }
        }
    };
    let talk = async {
        let output = output;
        converse(&client, events, input, &output, AtInputEnd::Leave).await
    };
    // Reading ends with the other side; the conversation with the reading, the writing with the conversation.
    let reading = tokio::spawn(read_lines(reader, lines));
    let (end, ()) = tokio::join!(talk, write);
    reading.abort();
    debug!("a program's conversation ended: {end:?}");
}

/// Whether the first line is the token. Not a byte beyond it is read.
async fn knows_token(stream: &mut TcpStream, token: Blake3Hash) -> io::Result<bool> {
    let mut line = Vec::with_capacity(TOKEN_LINE_BYTES);
    while line.len() < TOKEN_LINE_BYTES {
        match stream.read_u8().await? {
            b'\n' => break,
            byte => line.push(byte),
        }
    }
    // blake3's hashes are compared in constant time.
    Ok(blake3::hash(line.trim_ascii()) == blake3::hash(token.to_string().as_bytes()))
}

async fn read_lines(mut reader: OwnedReadHalf, lines: mpsc::Sender<InputLine>) {
    let mut splitter = LineSplitter::default();
    let mut piece = vec![0; 16 * 1024];
    while let Ok(bytes @ 1..) = reader.read(&mut piece).await {
        for line in splitter.push(&piece[..bytes]) {
            if lines.send(line).await.is_err() {
                return;
            }
        }
    }
}

/// A program's side of a conversation with the peer that runs on a folder.
#[derive(Debug)]
pub struct ControlConnection {
    stream: BufReader<std::net::TcpStream>,
    /// Events that came before the reply to a command.
    earlier: VecDeque<Value>,
}

impl ControlConnection {
    /// Reaches the peer that runs on the games folder of this state directory.
    pub fn open(state_dir: &Path) -> Result<Self, ControlError> {
        let path = state_dir.join(FILE_NAME);
        let text =
            fs::read_to_string(&path).map_err(|cause| ControlError::File { path: path.clone(), cause })?;
        let mut words = text.split_whitespace();
        let (Some(FILE_MARK), Some(Ok(address)), Some(token)) =
            (words.next(), words.next().map(str::parse::<SocketAddr>), words.next())
        else {
            return Err(ControlError::Malformed { path });
        };
        let connect = |cause| ControlError::Connect { address, cause };
        let stream = std::net::TcpStream::connect_timeout(&address, TOKEN_TIMEOUT).map_err(connect)?;
        let mut connection = Self { stream: BufReader::new(stream), earlier: VecDeque::new() };
        connection.write(token)?;
        Ok(connection)
    }

    /// Sends a command and awaits its reply. Events that come before it are the next ones of
    /// [`ControlConnection::next_line`].
    pub fn ask(&mut self, command: &Value) -> Result<Value, ControlError> {
        self.write(&command.to_string())?;
        self.stream.get_ref().set_read_timeout(Some(REPLY_TIMEOUT)).map_err(ControlError::Lost)?;
        loop {
            let line = self.read_line()?;
            if line["event"] == "reply" {
                self.stream.get_ref().set_read_timeout(None).map_err(ControlError::Lost)?;
                return Ok(line);
            }
            self.earlier.push_back(line);
        }
    }

    /// The next event or reply, however long it takes.
    pub fn next_line(&mut self) -> Result<Value, ControlError> {
        match self.earlier.pop_front() {
            Some(line) => Ok(line),
            None => self.read_line(),
        }
    }

    fn read_line(&mut self) -> Result<Value, ControlError> {
        let mut line = String::new();
        let read = self.stream.by_ref().take(MAX_EVENT_BYTES).read_line(&mut line);
        if read.map_err(ControlError::Lost)? == 0 {
            return Err(ControlError::Lost(io::ErrorKind::UnexpectedEof.into()));
        }
        serde_json::from_str(&line).map_err(|error| ControlError::Lost(error.into()))
    }

    fn write(&mut self, line: &str) -> Result<(), ControlError> {
        self.stream.get_mut().write_all(format!("{line}\n").as_bytes()).map_err(ControlError::Lost)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use serde_json::json;

    use super::*;
    use crate::api::{PeerCommand, PeerReply, PeerRuntimeHandle, RuntimeSide, Waker, connect_runtime};

    struct Scene {
        folder: tempfile::TempDir,
        handle: PeerRuntimeHandle,
        side: RuntimeSide,
        stop: CancellationToken,
        service: tokio::task::JoinHandle<io::Result<()>>,
    }

    async fn scene() -> Scene {
        let folder = tempfile::tempdir().unwrap();
        let (handle, side) = connect_runtime(Waker::none());
        let stop = CancellationToken::new();
        let listener = ControlListener::bind(folder.path()).await.unwrap();
        let service = tokio::spawn(listener.serve(handle.client(), stop.clone()));
        Scene { folder, handle, side, stop, service }
    }

    impl Scene {
        fn file(&self) -> PathBuf {
            self.folder.path().join(FILE_NAME)
        }

        fn address(&self) -> SocketAddr {
            let text = fs::read_to_string(self.file()).unwrap();
            text.split_whitespace().nth(1).unwrap().parse().unwrap()
        }

        /// Blocking work beside the runtime.
        async fn beside<T: Send + 'static>(act: impl FnOnce() -> T + Send + 'static) -> T {
            tokio::task::spawn_blocking(act).await.unwrap()
        }
    }

    #[tokio::test]
    async fn a_program_with_the_token_talks_to_the_peer() {
        let mut scene = scene().await;
        let folder = scene.folder.path().to_owned();
        let talk = tokio::task::spawn_blocking(move || {
            let mut connection = ControlConnection::open(&folder).unwrap();
            let reply = connection.ask(&json!({"cmd":"shutdown","id":1})).unwrap();
            (reply, connection.next_line().unwrap())
        });
        let sent = scene.side.commands.recv().await.unwrap();
        assert_eq!(sent.command, PeerCommand::Shutdown);
        sent.reply.send(Ok(PeerReply::Done {})).unwrap();
        tokio::task::yield_now().await;
        drop(scene.side);
        let (reply, last) = talk.await.unwrap();
        assert_eq!((&reply["id"], &reply["ok"]), (&json!(1), &json!(true)));
        assert_eq!(last["event"], "stopped");
    }

    #[tokio::test]
    async fn a_program_without_the_token_is_turned_away() {
        let scene = scene().await;
        let address = scene.address();
        for line in ["\n".to_owned(), "0".repeat(64) + "\n", "x".repeat(5_000_000)] {
            let left = Scene::beside(move || {
                let mut stream = std::net::TcpStream::connect(address).unwrap();
                // It may be closed while this writes.
                drop(stream.write_all(line.as_bytes()));
                drop(stream.write_all(b"{\"cmd\":\"shutdown\"}\n"));
                let mut said = Vec::new();
                drop(stream.read_to_end(&mut said));
                said
            })
            .await;
            assert_eq!(left, b"");
        }
        assert!(!scene.side.stop.is_cancelled());
        assert!(scene.side.commands.is_empty(), "nothing was taken for a command");
    }

    #[tokio::test]
    async fn silent_programs_are_few_and_go_after_a_while() {
        let scene = scene().await;
        let address = scene.address();
        let mut silent = Vec::new();
        for _ in 0..MAX_CONNECTIONS {
            silent.push(TcpStream::connect(address).await.unwrap());
        }
        let mut one_more = TcpStream::connect(address).await.unwrap();
        assert_eq!(one_more.read(&mut [0]).await.unwrap_or(0), 0, "closed at once");
        for mut stream in silent {
            assert_eq!(stream.read(&mut [0]).await.unwrap_or(0), 0, "closed after the time for a token");
        }
    }

    #[tokio::test]
    async fn the_file_is_private_and_goes_with_the_peer() {
        let scene = scene().await;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(scene.file()).unwrap().permissions().mode() & 0o777, 0o600);
        }
        scene.stop.cancel();
        scene.service.await.unwrap().unwrap();
        assert!(!scene.folder.path().join(FILE_NAME).exists());
        let error = ControlConnection::open(scene.folder.path()).unwrap_err().to_string();
        assert!(error.contains("cannot be reached") && error.contains(FILE_NAME), "{error}");
        fs::write(scene.folder.path().join(FILE_NAME), "nonsense").unwrap();
        let error = ControlConnection::open(scene.folder.path()).unwrap_err().to_string();
        assert!(error.contains("does not say where"), "{error}");
        drop(scene.handle);
    }
}
