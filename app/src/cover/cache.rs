//! The covers that are on screen or were lately.
//!
//! A thread of its own decodes and scales; the window asks each frame and gets what is there. What was not asked for
//! longest goes first when memory is full. A picture that is missing or broken is a generated cover; while it is on
//! screen, its file is looked for again, because covers come from other PCs.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use egui::{ColorImage, Context, TextureHandle, TextureId, TextureOptions};
use lanspread_protocol::GameId;

use super::generated;
use crate::theme;

/// A cover at twice its size has 0.6 MB: about a hundred.
const MAX_BYTES: usize = 64 * 1024 * 1024;
/// Pictures that wait for the thread; more are asked for again in the next frame.
const MAX_WAITING: usize = 32;
/// A cover that was not there is looked for again after this.
const LOOK_AGAIN: Duration = Duration::from_secs(3);
/// The longest side of a decoded cover, in pixels: sharp at 200 % in the details panel.
const MAX_SIDE: u32 = 480;
/// The largest picture that is decoded.
const MAX_PIXELS_BYTES: u64 = 64 * 1024 * 1024;

/// Which cover: of a game, out of a file if it has one, or out of a folder that may hold one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CoverKey {
    pub game: GameId,
    pub file: Option<PathBuf>,
}

/// A cover, as far as it is there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cover {
    pub texture: TextureId,
    /// Width over height.
    pub aspect: f32,
    /// Initials belong over it.
    pub is_generated: bool,
    /// Grows from 0 to 1 while it is new.
    pub opacity: f32,
}

#[derive(Debug)]
struct Painted {
    image: ColorImage,
    is_generated: bool,
}

enum Entry {
    Asked,
    There { texture: TextureHandle, is_generated: bool, since: f64, asked: Instant, looked: Instant },
}

/// The cache. It belongs to the window.
pub struct Covers {
    entries: BTreeMap<CoverKey, Entry>,
    worker: Option<Worker>,
    waiting: usize,
}

#[derive(Debug)]
struct Worker {
    jobs: SyncSender<CoverKey>,
    done: Receiver<(CoverKey, Painted)>,
}

impl fmt::Debug for Covers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Covers").field("entries", &self.entries.len()).finish_non_exhaustive()
    }
}

impl Covers {
    /// With a thread that decodes. Without one (it cannot be started) covers are made when they are asked for.
    pub fn new(ctx: &Context) -> Self {
        Self { entries: BTreeMap::new(), worker: Worker::start(ctx), waiting: 0 }
    }

    /// Makes each cover when it is asked for, at full opacity: for tests and pictures.
    pub fn immediate() -> Self {
        Self { entries: BTreeMap::new(), worker: None, waiting: 0 }
    }

    /// Takes what the thread has finished. Once a frame.
    pub fn receive(&mut self, ctx: &Context) {
        let done: Vec<_> = self.worker.iter().flat_map(|worker| worker.done.try_iter()).collect();
        for (key, painted) in done {
            self.take(ctx, key, painted);
        }
        self.shrink();
    }

    /// What is still not there stays as it is shown.
    fn take(&mut self, ctx: &Context, key: CoverKey, painted: Painted) {
        self.waiting = self.waiting.saturating_sub(1);
        let is_shown = matches!(self.entries.get(&key), Some(Entry::There { is_generated: true, .. }));
        if !(is_shown && painted.is_generated) {
            self.keep(ctx, key, painted, ctx.input(|input| input.time));
        }
    }

    /// A game's cover; `None` while it is being made.
    pub fn get(&mut self, ctx: &Context, key: &CoverKey) -> Option<Cover> {
        match self.entries.get_mut(key) {
            None => self.ask(ctx, key),
            Some(Entry::Asked) => None,
            Some(Entry::There { texture, is_generated, since, asked, looked }) => {
                *asked = Instant::now();
                let may_come = *is_generated && key.file.is_some() && looked.elapsed() >= LOOK_AGAIN;
                if may_come && let Some(worker) = &self.worker {
                    *looked = *asked;
                    self.waiting += usize::from(worker.jobs.try_send(key.clone()).is_ok());
                }
                #[expect(clippy::cast_possible_truncation, reason = "a fraction of a second")]
                let age = (ctx.input(|input| input.time) - *since) as f32;
                let opacity = (age / theme::FADE_SECS).clamp(0.0, 1.0);
                if opacity < 1.0 {
                    ctx.request_repaint();
                }
                let [width, height] = texture.size();
                #[expect(clippy::cast_precision_loss, reason = "a few hundred pixels")]
                let aspect = width as f32 / height as f32;
                Some(Cover { texture: texture.id(), aspect, is_generated: *is_generated, opacity })
            }
        }
    }

    fn ask(&mut self, ctx: &Context, key: &CoverKey) -> Option<Cover> {
        if let Some(worker) = &self.worker {
            if self.waiting < MAX_WAITING && worker.jobs.try_send(key.clone()).is_ok() {
                self.waiting += 1;
                self.entries.insert(key.clone(), Entry::Asked);
            }
            None
        } else {
            self.keep(ctx, key.clone(), paint(key), f64::NEG_INFINITY);
            self.get(ctx, key)
        }
    }

    fn keep(&mut self, ctx: &Context, key: CoverKey, painted: Painted, since: f64) {
        let name = format!("cover of {}", key.game);
        let texture = ctx.load_texture(name, painted.image, TextureOptions::LINEAR);
        let is_generated = painted.is_generated;
        let now = Instant::now();
        let there = Entry::There { texture, is_generated, since, asked: now, looked: now };
        self.entries.insert(key, there);
    }

    /// Forgets what was not asked for longest, until memory suffices.
    fn shrink(&mut self) {
        let size = |entry: &Entry| match entry {
            Entry::Asked => 0,
            Entry::There { texture, .. } => texture.byte_size(),
        };
        let mut bytes: usize = self.entries.values().map(size).sum();
        while bytes > MAX_BYTES {
            let oldest = self
                .entries
                .iter()
                .filter_map(|(key, entry)| match entry {
                    Entry::Asked => None,
                    Entry::There { asked, .. } => Some((*asked, key.clone())),
                })
                .min();
            let Some((_, key)) = oldest else { return };
            bytes -= self.entries.remove(&key).as_ref().map_or(0, size);
        }
    }
}

impl Worker {
    fn start(ctx: &Context) -> Option<Self> {
        let (jobs, waiting) = sync_channel::<CoverKey>(MAX_WAITING);
        let (finished, done) = sync_channel(MAX_WAITING);
        let ctx = ctx.clone();
        let work = move || {
            for key in waiting {
                let painted = paint(&key);
                if finished.send((key, painted)).is_err() {
                    return;
                }
                ctx.request_repaint();
            }
        };
        match std::thread::Builder::new().name("covers".to_owned()).spawn(work) {
            Ok(_thread) => Some(Self { jobs, done }),
            Err(error) => {
                tracing::warn!(%error, "no thread for covers");
                None
            }
        }
    }
}

/// Decodes a cover's file, or generates it.
fn paint(key: &CoverKey) -> Painted {
    // A picture from elsewhere: a fault in its decoder must not end the thread.
    let decode = |file: &PathBuf| std::panic::catch_unwind(|| decode(file));
    let decoded = key.file.as_ref().and_then(|file| match decode(file) {
        Ok(Ok(image)) => Some(image),
        Ok(Err(error)) => {
            tracing::debug!(game = %key.game, %error, "the cover is not shown");
            None
        }
        Err(_panic) => {
            tracing::warn!(game = %key.game, "the cover's decoder panicked");
            None
        }
    });
    match decoded {
        Some(image) => Painted { image, is_generated: false },
        None => Painted { image: generated::draw(key.game.as_str()), is_generated: true },
    }
}

/// The names that a picture has in a game's folder, where the catalog has none.
const IN_FOLDERS: [&str; 8] = [
    "cover.png",
    "cover.jpg",
    "cover.jpeg",
    "cover.webp",
    "local/cover.png",
    "local/cover.jpg",
    "local/cover.jpeg",
    "local/cover.webp",
];

fn decode(place: &Path) -> Result<ColorImage, image::ImageError> {
    let in_folder = || IN_FOLDERS.iter().map(|name| place.join(name)).find(|file| file.is_file());
    let found = if place.is_dir() { in_folder() } else { None };
    let file = found.as_deref().unwrap_or(place);
    let mut reader = image::ImageReader::open(file)?.with_guessed_format()?;
    let mut limits = image::Limits::default();
    limits.max_alloc = Some(MAX_PIXELS_BYTES);
    reader.limits(limits);
    let image = reader.decode()?;
    let image = if image.width().max(image.height()) > MAX_SIDE {
        image.resize(MAX_SIDE, MAX_SIDE, image::imageops::FilterType::Triangle)
    } else {
        image
    };
    let image = image.to_rgba8();
    let size = [image.width() as usize, image.height() as usize];
    Ok(ColorImage::from_rgba_unmultiplied(size, image.as_raw()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(game: &str, file: Option<PathBuf>) -> CoverKey {
        CoverKey { game: game.parse().unwrap(), file }
    }

    #[test]
    fn a_picture_is_shown_and_a_broken_one_is_generated() {
        let folder = tempfile::tempdir().unwrap();
        let (good, broken) = (folder.path().join("good"), folder.path().join("broken"));
        let picture = image::RgbImage::from_pixel(1000, 500, image::Rgb([200, 10, 10]));
        picture.save_with_format(&good, image::ImageFormat::Png).unwrap();
        std::fs::write(&broken, b"\x89PNG\r\n\x1a\nno more").unwrap();
        let ctx = Context::default();
        let mut covers = Covers::immediate();
        let cover = covers.get(&ctx, &key("good", Some(good))).unwrap();
        assert_eq!((cover.is_generated, cover.aspect, cover.opacity), (false, 2.0, 1.0));
        for file in [Some(broken), Some(folder.path().join("missing")), None] {
            assert!(covers.get(&ctx, &key("broken", file)).unwrap().is_generated);
        }
    }

    #[test]
    fn a_games_folder_may_hold_its_cover() {
        let folder = tempfile::tempdir().unwrap();
        let picture = image::RgbImage::from_pixel(3, 4, image::Rgb([200, 10, 10]));
        let game = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(game("payload")).unwrap();
        std::fs::create_dir_all(game("installed/local")).unwrap();
        std::fs::create_dir_all(game("none")).unwrap();
        picture.save(game("payload/cover.png")).unwrap();
        picture.save(game("installed/local/cover.jpg")).unwrap();
        let (ctx, mut covers) = (Context::default(), Covers::immediate());
        let is_generated = ["payload", "installed", "none"]
            .map(|name| covers.get(&ctx, &key(name, Some(game(name)))).unwrap());
        assert_eq!(is_generated.map(|cover| cover.is_generated), [false, false, true]);
    }

    #[test]
    fn a_cover_that_comes_later_is_shown() {
        let folder = tempfile::tempdir().unwrap();
        let (ctx, key) = (Context::default(), key("late", Some(folder.path().join("late"))));
        let mut covers = Covers::new(&ctx);
        let next = |covers: &mut Covers| {
            let (key, painted) = covers.worker.as_ref().unwrap().done.recv().unwrap();
            covers.take(&ctx, key, painted);
        };
        assert_eq!(covers.get(&ctx, &key), None);
        next(&mut covers);
        assert!(covers.get(&ctx, &key).unwrap().is_generated);
        let picture = image::RgbImage::from_pixel(3, 4, image::Rgb([200, 10, 10]));
        picture.save_with_format(key.file.as_ref().unwrap(), image::ImageFormat::Png).unwrap();
        let Some(Entry::There { looked, .. }) = covers.entries.get_mut(&key) else { panic!("it is there") };
        *looked -= LOOK_AGAIN;
        assert!(covers.get(&ctx, &key).unwrap().is_generated, "until the thread has looked");
        next(&mut covers);
        assert!(!covers.get(&ctx, &key).unwrap().is_generated);
    }

    #[test]
    fn memory_is_bounded() {
        let ctx = Context::default();
        let mut covers = Covers::immediate();
        for number in 0..150 {
            covers.get(&ctx, &key(&format!("game-{number}"), None)).unwrap();
        }
        covers.receive(&ctx);
        let bytes = covers.entries.len() * 344 * 459 * 4;
        assert!((MAX_BYTES / 2..=MAX_BYTES).contains(&bytes), "{bytes}");
        assert!(!covers.entries.contains_key(&key("game-0", None)));
        assert!(covers.entries.contains_key(&key("game-149", None)));
    }
}
