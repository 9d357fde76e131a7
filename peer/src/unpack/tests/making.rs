//! Makes archives in every format out of one list of items.

use std::io::{Cursor, Write as _};

use flate2::Compression;
use flate2::write::GzEncoder;
use lzma_rust2::{LzmaOptions, LzmaWriter, XzOptions, XzWriter};
use rars::{ArchiveVersion, Builder};
use sevenz_rust2::{ArchiveEntry, ArchiveWriter};
use zip::write::SimpleFileOptions;

/// A member.
#[derive(Clone, Debug)]
pub(super) enum Item {
    File(&'static str, Vec<u8>),
    Program(&'static str, Vec<u8>),
    Folder(&'static str),
    /// A symbolic link and what it says.
    Link(&'static str, &'static str),
}

pub(super) fn file(name: &'static str, content: &[u8]) -> Item {
    Item::File(name, content.to_vec())
}

/// A way to make an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Made {
    Zip,
    StoredZip,
    SevenZip,
    SolidSevenZip,
    Tar,
    TarGz,
    TarXz,
    TarZstd,
    Rar2,
    Rar4,
    SolidRar4,
    Rar5,
    SolidRar5,
    StoredRar5,
    Rar7,
}

impl Made {
    pub(super) const ALL: [Self; 15] = [
        Self::Zip,
        Self::StoredZip,
        Self::SevenZip,
        Self::SolidSevenZip,
        Self::Tar,
        Self::TarGz,
        Self::TarXz,
        Self::TarZstd,
        Self::Rar2,
        Self::Rar4,
        Self::SolidRar4,
        Self::Rar5,
        Self::SolidRar5,
        Self::StoredRar5,
        Self::Rar7,
    ];
    /// One of each kind whose names can be anything.
    pub(super) const WITH_ANY_NAMES: [Self; 3] = [Self::Zip, Self::SevenZip, Self::Tar];

    pub(super) fn is_rar(self) -> bool {
        self.rar().is_some()
    }

    fn rar(self) -> Option<Builder> {
        match self {
            Self::Rar2 => Some(Builder::new(ArchiveVersion::Rar20)),
            Self::Rar4 => Some(Builder::new(ArchiveVersion::Rar40)),
            Self::SolidRar4 => Some(Builder::new(ArchiveVersion::Rar40).solid(true)),
            Self::Rar5 => Some(Builder::new(ArchiveVersion::Rar50)),
            Self::SolidRar5 => Some(Builder::new(ArchiveVersion::Rar50).solid(true)),
            Self::StoredRar5 => Some(Builder::new(ArchiveVersion::Rar50).store(true)),
            Self::Rar7 => Some(Builder::new(ArchiveVersion::Rar70)),
            Self::Zip | Self::StoredZip | Self::SevenZip | Self::SolidSevenZip => None,
            Self::Tar | Self::TarGz | Self::TarXz | Self::TarZstd => None,
        }
    }

    pub(super) fn archive(self, items: &[Item]) -> Vec<u8> {
        match self {
            Self::Zip => zip(items, zip::CompressionMethod::Deflated),
            Self::StoredZip => zip(items, zip::CompressionMethod::Stored),
            Self::SevenZip => seven_zip(items),
            Self::SolidSevenZip => solid_seven_zip(items),
            Self::Tar => tar(items),
            Self::TarGz => gz(&tar(items)),
            Self::TarXz => xz(&tar(items)),
            Self::TarZstd => zstd(&tar(items)),
            Self::Rar2
            | Self::Rar4
            | Self::SolidRar4
            | Self::Rar5
            | Self::SolidRar5
            | Self::StoredRar5
            | Self::Rar7 => rar_with(self.rar().unwrap(), items).to_bytes().unwrap(),
        }
    }
}

pub(super) fn rar_with(mut builder: Builder, items: &[Item]) -> Builder {
    let old = matches!(builder.format(), ArchiveVersion::Rar20);
    for item in items {
        match item.clone() {
            Item::File(name, content) => builder.add_bytes(name.into(), content, None, None).unwrap(),
            Item::Program(name, content) => {
                builder.add_bytes(name.into(), content, None, Some(0o100_755)).unwrap();
            }
            Item::Folder(name) => builder.add_directory(name.into(), None, None).unwrap(),
            Item::Link(name, target) => {
                let mode = (!old).then_some(0o777);
                builder.add_unix_symlink(name.into(), target.into(), false, None, mode).unwrap();
            }
        }
    }
    builder
}

fn zip(items: &[Item], method: zip::CompressionMethod) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let plain = SimpleFileOptions::default().compression_method(method);
    for item in items {
        match item {
            Item::File(name, content) => {
                writer.start_file(*name, plain).unwrap();
                writer.write_all(content).unwrap();
            }
            Item::Program(name, content) => {
                writer.start_file(*name, plain.unix_permissions(0o755)).unwrap();
                writer.write_all(content).unwrap();
            }
            Item::Folder(name) => writer.add_directory(*name, plain).unwrap(),
            Item::Link(name, target) => writer.add_symlink(*name, *target, plain).unwrap(),
        }
    }
    writer.finish().unwrap().into_inner()
}

fn seven_zip_entry(item: &Item) -> (ArchiveEntry, Option<&[u8]>) {
    let with_mode = |name: &str, mode: u32| {
        let mut entry = ArchiveEntry::new_file(name);
        entry.has_windows_attributes = true;
        entry.windows_attributes = 0x8000 | mode << 16;
        entry
    };
    match item {
        Item::File(name, content) => (ArchiveEntry::new_file(name), Some(content)),
        Item::Program(name, content) => (with_mode(name, 0o100_755), Some(content)),
        Item::Folder(name) => (ArchiveEntry::new_directory(name), None),
        Item::Link(name, target) => (with_mode(name, 0o120_777), Some(target.as_bytes())),
    }
}

fn seven_zip(items: &[Item]) -> Vec<u8> {
    let mut writer = ArchiveWriter::new(Cursor::new(Vec::new())).unwrap();
    for item in items {
        let (entry, content) = seven_zip_entry(item);
        writer.push_archive_entry(entry, content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn solid_seven_zip(items: &[Item]) -> Vec<u8> {
    let mut writer = ArchiveWriter::new(Cursor::new(Vec::new())).unwrap();
    let (mut entries, mut contents) = (Vec::new(), Vec::new());
    for item in items {
        let (entry, content) = seven_zip_entry(item);
        match content {
            Some(content) if !content.is_empty() => {
                entries.push(entry);
                contents.push(sevenz_rust2::SourceReader::new(content));
            }
            content => drop(writer.push_archive_entry(entry, content).unwrap()),
        }
    }
    writer.push_archive_entries(entries, contents).unwrap();
    writer.finish().unwrap().into_inner()
}

pub(super) fn tar(items: &[Item]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for item in items {
        let (name, kind, mode, content): (_, _, _, &[u8]) = match item {
            Item::File(name, content) => (*name, tar::EntryType::Regular, 0o644, content),
            Item::Program(name, content) => (*name, tar::EntryType::Regular, 0o755, content),
            Item::Folder(name) => (*name, tar::EntryType::Directory, 0o755, &[]),
            Item::Link(name, _) => (*name, tar::EntryType::Symlink, 0o777, &[]),
        };
        let target = if let Item::Link(_, target) = item { target } else { "" };
        builder.append(&tar_header(name, kind, mode, content.len() as u64, target), content).unwrap();
    }
    builder.into_inner().unwrap()
}

/// A header whose name is checked by nobody.
pub(super) fn tar_header(
    name: &str,
    kind: tar::EntryType,
    mode: u32,
    bytes: u64,
    target: &str,
) -> tar::Header {
    let mut header = tar::Header::new_ustar();
    let fields = header.as_ustar_mut().unwrap();
    fields.name[..name.len()].copy_from_slice(name.as_bytes());
    fields.linkname[..target.len()].copy_from_slice(target.as_bytes());
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_mtime(1_000_000_000);
    header.set_size(bytes);
    header.set_cksum();
    header
}

pub(super) fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut writer = GzEncoder::new(Vec::new(), Compression::fast());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

pub(super) fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut writer = XzWriter::new(Vec::new(), XzOptions::with_preset(1)).unwrap();
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

pub(super) fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

/// A file of LZMA: 5 bytes of properties, 8 of size, content.
pub(super) fn lzma(bytes: &[u8]) -> Vec<u8> {
    let mut writer = LzmaWriter::new_use_header(Vec::new(), &LzmaOptions::with_preset(1), None).unwrap();
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

/// A ZIP with one member, packed by whatever method: "APPNOTE.TXT", 4.3.
pub(super) fn zip_of_one(name: &str, method: u16, packed: &[u8], content: &[u8]) -> Vec<u8> {
    let mut crc = flate2::Crc::new();
    crc.update(content);
    let size = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap().to_le_bytes();
    let common = [
        &[63, 0, 0, 0][..],
        &method.to_le_bytes(),
        &[0; 4],
        &crc.sum().to_le_bytes(),
        &size(packed),
        &size(content),
        &u16::try_from(name.len()).unwrap().to_le_bytes(),
        &[0; 2],
    ]
    .concat();
    let member = [b"PK\x03\x04", &common[..], name.as_bytes(), packed].concat();
    let list = [b"PK\x01\x02\x3f\0", &common[..], &[0; 14], name.as_bytes()].concat();
    let end = [b"PK\x05\x06\0\0\0\0\x01\0\x01\0", &size(&list)[..], &size(&member), &[0; 2]].concat();
    [member, list, end].concat()
}
