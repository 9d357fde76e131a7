//! The sample games: what the catalog says of them, and files that are generated, the same on every PC.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use lanspread_protocol::{Game, LaunchEntry, Os, RelPath, Version};
use serde::Deserialize;

/// One of a payload's large files; a new version changes one of them.
const PART_BYTES: usize = 4_000_000;

/// A game of the demo party.
#[derive(Clone, Debug, Deserialize)]
pub struct Sample {
    /// As the party begins with it.
    pub game: Game,
    /// The version that may be published during the demo.
    pub next: Version,
    pub megabytes: usize,
    /// How many of the others have it.
    pub sharers: usize,
}

impl Sample {
    /// All of them.
    pub fn all() -> Result<Vec<Self>, ron::error::SpannedError> {
        let options =
            ron::Options::default().with_default_extension(ron::extensions::Extensions::IMPLICIT_SOME);
        options.from_str(include_str!("../../../assets/demo/games.ron"))
    }

    /// Its cover's image.
    pub fn cover(&self) -> Option<&'static [u8]> {
        Some(match self.game.id.as_str() {
            "night-relay" => include_bytes!("../../../assets/demo/covers/night-relay.jpg"),
            "sky-courier" => include_bytes!("../../../assets/demo/covers/sky-courier.jpg"),
            "deep-harbour" => include_bytes!("../../../assets/demo/covers/deep-harbour.jpg"),
            "pixel-derby" => include_bytes!("../../../assets/demo/covers/pixel-derby.jpg"),
            "iron-orchard" => include_bytes!("../../../assets/demo/covers/iron-orchard.jpg"),
            "tiny-castles" => include_bytes!("../../../assets/demo/covers/tiny-castles.jpg"),
            _ => return None,
        })
    }

    /// Writes the payload of a version. In the next one a single part is another, so that an update is small.
    pub fn write(&self, version: &Version, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder.join("data"))?;
        let mut bytes = vec![0; PART_BYTES];
        for part in 0..(self.megabytes * 1_000_000 / PART_BYTES).max(1) {
            let edition = if part == 0 { version.as_str() } else { "any" };
            fill(&mut bytes, &format!("{} {part} {edition}", self.game.id));
            File::create(folder.join("data").join(format!("part-{part:02}.pak")))?.write_all(&bytes)?;
        }
        fs::write(folder.join("readme.txt"), format!("{} {version}\nA sample game.\n", self.game.title))?;
        let (name, text) = self.script(version);
        fs::write(folder.join(name), text)
    }

    /// What *Play* runs: a script of the payload that names its own version, so that the window of a game shows what is
    /// really installed. Lanspread itself is the game; the script is told where it is, because a copy of the program
    /// would make each payload as large as the program.
    fn script(&self, version: &Version) -> (&'static str, String) {
        let title = &self.game.title;
        if cfg!(windows) {
            let line =
                "@\"%~1\" --demo-game \"{title}\" --demo-version \"{version}\" --demo-player \"%~2\"\r\n";
            ("play.cmd", line.replace("{title}", title).replace("{version}", version.as_str()))
        } else {
            let line = format!(
                "#!/bin/sh\nexec \"$1\" --demo-game \"{title}\" --demo-version \"{version}\" --demo-player \"$2\"\n"
            );
            ("play.sh", line)
        }
    }

    /// How the game is started when this program lies at `program`.
    pub fn launch(&self, program: &Path) -> Option<LaunchEntry> {
        let (name, _) = self.script(&self.next);
        Some(LaunchEntry {
            name: "play".to_owned(),
            os: Os::CURRENT,
            program: name.parse::<RelPath>().ok()?,
            args: vec![program.to_str()?.to_owned(), "{player}".to_owned()],
            folder: None,
            env: std::collections::BTreeMap::new(),
        })
    }
}

/// Bytes that look random, and are the same for the same name (xorshift64*, Vigna 2016).
fn fill(bytes: &mut [u8], name: &str) {
    let seed = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let mut state = seed | 1;
    for word in bytes.chunks_mut(8) {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        let random = state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_le_bytes();
        word.copy_from_slice(&random[..word.len()]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_has_all_that_the_window_shows() {
        let samples = Sample::all().unwrap();
        assert!((5..=8).contains(&samples.len()));
        for sample in &samples {
            let game = &sample.game;
            assert!(sample.cover().is_some() && game.genre.is_some() && game.players.is_some(), "{game:?}");
            assert!(game.description.contains_key("en") && game.description.contains_key("de"), "{game:?}");
            assert_ne!(game.version.as_ref(), Some(&sample.next));
            assert!((1..=3).contains(&sample.sharers));
        }
        let megabytes: usize = samples.iter().map(|sample| sample.megabytes).sum();
        assert!((200..=300).contains(&megabytes), "{megabytes}");
    }

    #[test]
    fn a_payload_is_the_same_each_time_and_an_update_changes_one_part() {
        let (folder, mut sample) = (tempfile::tempdir().unwrap(), Sample::all().unwrap().remove(0));
        sample.megabytes = 8;
        let version = sample.game.version.clone().unwrap();
        let read = |name: &str, part: &str| {
            fs::read(folder.path().join(name).join("data").join(format!("part-{part}.pak"))).unwrap()
        };
        for (name, version) in [("a", &version), ("b", &version), ("c", &sample.next)] {
            sample.write(version, &folder.path().join(name)).unwrap();
        }
        assert!(read("a", "00") == read("b", "00") && read("a", "01") == read("c", "01"));
        assert!(read("a", "00") != read("c", "00") && read("a", "00") != read("a", "01"));
    }
}
