//! What is in the way of something.

use std::path::Path;

use lanspread_protocol::{CatalogError, SignatureError};

use super::Format;
use crate::model::{Fault, FileFault};

super::texts! {
    FaultText
    not_there(path: &str): "“{path}” is not there.", "„{path}“ ist nicht da.";
    no_permission(path: &str): "“{path}” can’t be read or written: the rights are missing.",
        "„{path}“ lässt sich nicht lesen oder schreiben: Die Rechte fehlen.";
    drive_full(path: &str): "“{path}” can’t be written: the drive is full.",
        "„{path}“ lässt sich nicht schreiben: Das Laufwerk ist voll.";
    already_there(path: &str): "“{path}” is there already.", "„{path}“ ist schon da.";
    refused(path: &str, why: &str): "“{path}”: {why}", "„{path}“: {why}";
    no_space(folder: &str, needed: &str, free: &str): "“{folder}” needs {needed}, and {free} are free.",
        "„{folder}“ braucht {needed}, und {free} sind frei.";
    too_large(folder: &str, file: &str, size: &str): "“{file}” has {size}, and the drive of “{folder}” is formatted as FAT32, which holds at most 4 GB in a file. Choose a folder on another drive.",
        "„{file}“ hat {size}, und das Laufwerk von „{folder}“ ist mit FAT32 formatiert, das höchstens 4 GB je Datei fasst. Wähle einen Ordner auf einem anderen Laufwerk.";
    no_folder(path: &str): "“{path}” is no folder.", "„{path}“ ist kein Ordner.";
    not_ours(path: &str): "Nothing in “{path}” is known to be Lanspread’s, so nothing was deleted. Tick “Other files in its folder” to remove all of it.",
        "Nichts in „{path}“ ist als Lanspreads bekannt, also wurde nichts gelöscht. Mit „Andere Dateien in seinem Ordner“ verschwindet alles.";
    in_use(path: &str): "Another program uses a file in “{path}”. Close it, then try again.",
        "Ein anderes Programm benutzt eine Datei in „{path}“. Schließe es, dann versuch es erneut.";
    locked(folder: &str): "Another Lanspread has “{folder}”.", "Ein anderes Lanspread benutzt „{folder}“.";
    changed(path: &str): "“{path}” was changed meanwhile.", "„{path}“ wurde inzwischen geändert.";
    leads_out(path: &str): "“{path}” is a link that leads out of its game’s folder.",
        "„{path}“ ist eine Verknüpfung, die aus dem Ordner ihres Spiels hinausführt.";
    link(path: &str): "“{path}” is a link. Move it by hand.", "„{path}“ ist eine Verknüpfung. Verschiebe sie von Hand.";
    nested(one: &str, other: &str): "“{one}” and “{other}” lie in one another.", "„{one}“ und „{other}“ liegen ineinander.";
    no_archive(path: &str): "“{path}” is neither a folder nor an archive (ZIP, RAR, 7z, TAR).",
        "„{path}“ ist weder ein Ordner noch ein Archiv (ZIP, RAR, 7z, TAR).";
    other_content(path: &str): "“{path}” is named like an archive, but it is none of that kind.",
        "„{path}“ heißt wie ein Archiv, ist aber keines dieser Art.";
    empty(path: &str): "“{path}” holds nothing that can be shared.", "In „{path}“ ist nichts, das sich teilen lässt.";
    mixed(path: &str): "“{path}” is a folder. Choose one folder, or archives only.",
        "„{path}“ ist ein Ordner. Wähle einen Ordner oder nur Archive.";
    catalog_too_large(path: &str, size: &str): "“{path}” has {size}, more than a catalog may have.",
        "„{path}“ hat {size}, mehr als ein Katalog haben darf.";
    catalog_not_text(path: &str): "“{path}” is no text.", "„{path}“ ist kein Text.";
    catalog_line(path: &str, line: usize, why: &str): "“{path}”, line {line}: {why}", "„{path}“, Zeile {line}: {why}";
    catalog_line_of(path: &str, line: usize, game: &str, why: &str): "“{path}”, line {line} (game “{game}”): {why}",
        "„{path}“, Zeile {line} (Spiel „{game}“): {why}";
    too_many_games(path: &str, count: &str): "“{path}” has {count} games, more than a catalog may have.",
        "„{path}“ hat {count} Spiele, mehr als ein Katalog haben darf.";
    no_key(path: &str): "“{path}” is no organiser’s key.", "„{path}“ ist kein Veranstalter-Schlüssel.";
    no_signature(path: &str): "“{path}” is no signature.", "„{path}“ ist keine Signatur.";
    wrong_signature(path: &str): "“{path}” does not fit its signature.", "„{path}“ passt nicht zu seiner Signatur.";
    too_long(path: &str, most: &str): "“{path}” is longer than {most}.", "„{path}“ ist länger als {most}.";
    foreign_key(words: &str): "Another key signed the catalog ({words}), and its file is not here.",
        "Ein anderer Schlüssel hat den Katalog signiert ({words}), und seine Datei ist nicht hier.";
    port_taken(port: u16): "Another program has UDP port {port}.", "Ein anderes Programm benutzt UDP-Port {port}.";
    ports_taken: "Other programs have all of Lanspread’s UDP ports.", "Andere Programme benutzen alle UDP-Ports von Lanspread.";
    broken_off: "It broke off. Try again.", "Es brach ab. Versuch es erneut.";
    not_here(address: &str): "This PC does not have the address {address}.", "Dieser PC hat die Adresse {address} nicht.";
}

impl FaultText {
    /// A whole sentence.
    pub fn fault(self, fault: &Fault) -> String {
        let format = Format(self.0);
        match fault {
            Fault::File { path, why } => self.file(&said(path), why),
            Fault::NoSpace { folder, needed, free } => {
                self.no_space(&said(folder), &format.size(*needed), &format.size(*free))
            }
            Fault::TooLarge { folder, file, bytes } => {
                self.too_large(&said(folder), file, &format.size(*bytes))
            }
            Fault::NoFolder(path) => self.no_folder(&said(path)),
            Fault::InUse(path) => self.in_use(&said(path)),
            Fault::NotOurs(path) => self.not_ours(&said(path)),
            Fault::Locked(path) => self.locked(&said(path)),
            Fault::Changed(path) => self.changed(&said(path)),
            Fault::LeadsOut(path) => self.leads_out(&said(path)),
            Fault::Link(path) => self.link(&said(path)),
            Fault::Nested(one, other) => self.nested(&said(one), &said(other)),
            Fault::NoArchive(path) => self.no_archive(&said(path)),
            Fault::OtherContent(path) => self.other_content(&said(path)),
            Fault::Empty(path) => self.empty(&said(path)),
            Fault::Mixed(path) => self.mixed(&said(path)),
            Fault::Catalog { path, why } => self.catalog(&said(path), why),
            Fault::Signature { path, why } => self.signature(&said(path), why),
            Fault::TooLong { path, most } => self.too_long(&said(path), &format.size(*most)),
            Fault::ForeignKey(key) => self.foreign_key(&key.words()),
            Fault::PortTaken(port) => self.port_taken(*port),
            Fault::PortsTaken => self.ports_taken().to_owned(),
            Fault::NotHere(address) => self.not_here(&address.to_string()),
            Fault::BrokenOff => self.broken_off().to_owned(),
            Fault::Words(words) => words.clone(),
        }
    }

    fn file(self, path: &str, why: &FileFault) -> String {
        match why {
            FileFault::NotThere => self.not_there(path),
            FileFault::NoPermission => self.no_permission(path),
            FileFault::DriveFull => self.drive_full(path),
            FileFault::AlreadyThere => self.already_there(path),
            FileFault::Else(why) => self.refused(path, why),
        }
    }

    fn catalog(self, path: &str, why: &CatalogError) -> String {
        let format = Format(self.0);
        match why {
            CatalogError::TooLarge(bytes) => {
                self.catalog_too_large(path, &format.size(u64::try_from(*bytes).unwrap_or(u64::MAX)))
            }
            CatalogError::NotText => self.catalog_not_text(path),
            CatalogError::At { line, game: Some(game), message } => {
                self.catalog_line_of(path, *line, game, message)
            }
            CatalogError::At { line, game: None, message } => self.catalog_line(path, *line, message),
            CatalogError::TooManyGames(count) => self.too_many_games(path, &format.count(*count)),
            CatalogError::Write(why) => self.refused(path, why),
        }
    }

    fn signature(self, path: &str, why: &SignatureError) -> String {
        match why {
            SignatureError::KeyFile => self.no_key(path),
            SignatureError::SignatureFile => self.no_signature(path),
            SignatureError::Wrong(_) | SignatureError::TooLarge(_) => self.wrong_signature(path),
            SignatureError::Catalog(why) => self.catalog(path, why),
        }
    }
}

fn said(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Language;

    #[test]
    fn each_language_says_it_with_its_numbers() {
        let full = Fault::NoSpace { folder: "G".into(), needed: 5_250_000_000, free: 212_000_000 };
        let line =
            CatalogError::At { line: 3, game: Some("ut".to_owned()), message: "unexpected".to_owned() };
        let line = Fault::Catalog { path: "c.ron".into(), why: line };
        let gone = Fault::File { path: "G".into(), why: FileFault::NotThere };
        for (fault, english, german) in [
            (full, "“G” needs 5.3 GB, and 212 MB are free.", "„G“ braucht 5,3 GB, und 212 MB sind frei."),
            (line, "“c.ron”, line 3 (game “ut”): unexpected", "„c.ron“, Zeile 3 (Spiel „ut“): unexpected"),
            (gone, "“G” is not there.", "„G“ ist nicht da."),
            (Fault::Words("odd".to_owned()), "odd", "odd"),
        ] {
            assert_eq!(FaultText(Language::English).fault(&fault), english);
            assert_eq!(FaultText(Language::German).fault(&fault), german);
        }
    }
}
