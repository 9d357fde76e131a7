//! Figures, not tests: how fast real peers move real bytes, beside what bounds them.
//!
//! `bench` runs everything, `bench NAME…` some of it, `bench update OLD NEW` the update between two folders. Each figure is printed with its bound, measured in the
//! same run where it can be (the disk, a bare QUIC stream), and as a ratio to it: absolute figures only tell
//! about the machine. CPU seconds and peak memory are those of the peers' processes. Build with `--release`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a benchmark prints rounded figures and ends when something is wrong"
)]

mod bounds;
mod cost;
mod library;
mod slow;
mod transfer;
mod update;

/// What can be measured: name, what it is, how.
const BENCHES: &[(&str, &str, fn())] = &[
    ("loopback", "one source, 1 GiB, loopback", transfer::loopback),
    ("link-1000", "one source, 1 GiB, a link of 1 Gbit/s", transfer::link_1000),
    ("link-100", "one source, 256 MiB, a link of 100 Mbit/s", transfer::link_100),
    ("swarm", "8 downloaders, 1 seed, 200 MiB, links of 100 Mbit/s", transfer::swarm),
    ("small-files", "one source, 20,000 files of 4 to 32 KiB, loopback", transfer::small_files),
    ("library", "start and rescan with 500 games", library::library),
    ("update", "an update, and what of it is really new", || update::update(&[])),
    ("resume", "700 MB, killed after 440 MB and continued", slow::resume),
    ("slow-source", "1 GiB, one seed and an honest source that uploads 30 kB/s", slow::slow_source),
    (
        "silent-sources",
        "2 GiB, one seed and 4 peers that offer everything and are silent",
        slow::silent_sources,
    ),
    (
        "announcers",
        "512 MiB, one seed and 2 peers that announce every unit and send nothing",
        slow::announcers,
    ),
    ("slow-uploaders", "4 guests at once, 400 MiB, 3 of them upload 50 kB/s", slow::slow_uploaders),
    ("slow-guest", "12 MiB over a link of 2 Mbit/s, from 1, 5, 10 and 15 sources", slow::slow_guest),
    ("reordering", "96 MiB over a line that reorders packets, 1.5 ± 0.5 ms", slow::reordering),
    (
        "trickle-manifest",
        "8 MiB, one seed and 5 identities that send the manifest at a trickle",
        slow::trickle_manifest,
    ),
    ("memory", "one peer that downloads from 8 and serves 30", transfer::memory),
];

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    if let [name, old, new] = wanted.as_slice()
        && name == "update"
        && std::path::Path::new(old).is_dir()
    {
        return update::update(&[old.clone(), new.clone()]);
    }
    if let Some(unknown) = wanted.iter().find(|name| !BENCHES.iter().any(|(known, ..)| known == name)) {
        println!("there is no {unknown:?}; there are:");
        for (name, what, _) in BENCHES {
            println!("  {name:<16} {what}");
        }
        std::process::exit(2);
    }
    if cfg!(debug_assertions) {
        println!("This is no release build: the figures say little.");
    }
    for (name, what, run) in BENCHES {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            println!("\n== {name}: {what}");
            run();
        }
    }
}
