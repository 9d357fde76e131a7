//! A manifest that decodes is sound: its chunks, files and units lie within one another, and its bytes are the only
//! ones with its id.
#![no_main]

use lanspread_protocol::{Manifest, ManifestId};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(manifest) = Manifest::decode(bytes) else { return };
    assert_eq!(manifest.encode(), bytes, "one manifest has one encoding");
    assert_eq!(manifest.id(), Manifest::decode(bytes).map(|again| again.id()).unwrap());
    assert_ne!(manifest.id(), ManifestId([0; 32]));
    let chunks = u32::try_from(manifest.chunks().len()).unwrap();
    let total: u64 = manifest.chunks().iter().map(|chunk| u64::from(chunk.bytes)).sum();
    assert_eq!(total, manifest.total_bytes());
    let mut next = 0;
    for file in manifest.files() {
        assert!(file.chunks.start == next && file.chunks.end >= next && file.chunks.end <= chunks);
        next = file.chunks.end;
    }
    assert_eq!(next, chunks);
    for index in 0..chunks {
        assert!(manifest.file_of_chunk(index).is_some() && manifest.unit_of_chunk(index).is_some());
        let first = manifest.first_occurrence(index);
        assert!(first <= index);
        assert_eq!(manifest.chunks()[first as usize], manifest.chunks()[index as usize]);
    }
    assert!(manifest.file_of_chunk(chunks).is_none() && manifest.unit_of_chunk(chunks).is_none());
});
